const byId = (id) => document.getElementById(id);

async function run() {
  const status = byId('status');
  const answer = byId('answer');
  let variables;
  try {
    variables = JSON.parse(byId('variables').value || '{}');
  } catch (error) {
    status.textContent = `Variables: ${error.message}`;
    return;
  }
  status.textContent = '…';
  const started = performance.now();
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-lime-csrf': '1' },
      body: JSON.stringify({ query: byId('query').value, variables }),
    });
    answer.textContent = JSON.stringify(await response.json(), null, 2);
    status.textContent = `${response.status} in ${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    status.textContent = String(error);
  }
}

byId('run').addEventListener('click', run);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
});

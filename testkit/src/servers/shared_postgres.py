"""Keeps one PostgreSQL for all test processes of this user; ends by itself 60 s after the last of them.

Arguments: home, the directory of PostgreSQL's programs, the account to run it as (empty: our own), idle seconds.

Every test process holds a shared lock on `users.lock`, which the system lets go when it ends, however it ends. Nobody
waits for this process: `current` names the socket directory once the server answers, and a test process that finds
no `current` starts another keeper; `keeper.lock` lets one live. SIGTERM means: end as soon as nobody is left.
Each keeper uses directories of its own, so a keeper that is going away never meets the next one's.
"""
import fcntl, os, pwd, shutil, signal, subprocess, sys, time

home, bin_dir, account, idle_s = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
keeper_lock = open(os.path.join(home, "keeper.lock"), "w")
try:
    fcntl.flock(keeper_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit(0)

current = os.path.join(home, "current")
for name in os.listdir(home):
    if name == "current":
        os.remove(current)
    elif name.startswith("server-"):
        shutil.rmtree(os.path.join(home, name), ignore_errors=True)

server_dir = os.path.join(home, f"server-{os.getpid()}")
data = os.path.join(server_dir, "data")
os.mkdir(server_dir, 0o700)
if account:
    user = pwd.getpwnam(account)
    os.chown(server_dir, user.pw_uid, user.pw_gid)


def as_account(*command):
    prefix = []
    if sys.platform == "linux":
        prefix = ["setpriv"]
        if account:
            prefix += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        prefix += ["--pdeathsig", "KILL", "--"]
    return prefix + list(command)


subprocess.run(
    as_account(
        os.path.join(bin_dir, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
    ),
    check=True, cwd=server_dir,
)
# Nothing here outlives the tests: durability is off, which no private server of a chaos test ever has.
settings = {
    "listen_addresses": "", "unix_socket_directories": server_dir, "max_connections": "500", "fsync": "off",
    "full_page_writes": "off", "shared_buffers": "128MB", "max_wal_size": "2GB", "autovacuum_naptime": "10min",
}
options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
server = subprocess.Popen(as_account(os.path.join(bin_dir, "postgres"), "-D", data, *options), cwd=server_dir)

asked_to_stop = False


def on_term(_signal, _frame):
    global asked_to_stop
    asked_to_stop = True


signal.signal(signal.SIGTERM, on_term)


def is_ready():
    check = [os.path.join(bin_dir, "psql"), "-h", server_dir, "-U", "postgres", "-c", "select 1"]
    return subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


while not is_ready():
    if server.poll() is not None:
        sys.exit("PostgreSQL ended before it was ready")
    time.sleep(0.05)

with open(current + ".new", "w") as file:
    file.write(f"{os.getpid()}\n{server_dir}\n")
os.rename(current + ".new", current)

users = open(os.path.join(home, "users.lock"), "w")
idle_since = time.monotonic()
while server.poll() is None:
    time.sleep(0.5)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        idle_since = time.monotonic()
        continue
    if asked_to_stop or time.monotonic() - idle_since > idle_s:
        break
    fcntl.flock(users, fcntl.LOCK_UN)

# A test process that waits for the users' lock finds no `current` when it gets it, and starts the next keeper.
os.remove(current)
keeper_lock.close()
users.close()
if server.poll() is None:
    server.send_signal(signal.SIGINT)
    server.wait()
shutil.rmtree(server_dir, ignore_errors=True)

use super::*;

fn load(
    flags: &[(&'static str, &str)],
    environment: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lime.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_table(Table::resolve(&flags, environment, file.map(|_| path.as_path()))?)
}

fn message(outcome: Result<Settings, SettingsError>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let file = Some("listen = \"127.0.0.1:3\"\nowner_name = \"File\"\nslots = 5");
    let environment = [("LIME_LISTEN", "127.0.0.1:2"), ("LIME_OWNER_NAME", "Environment")];
    let settings = load(&[("listen", "127.0.0.1:1")], &environment, file).unwrap();
    assert_eq!(settings.listen.unwrap().port(), 1);
    assert_eq!(settings.owner_name, "Environment");
    assert_eq!(settings.slots, Some(5));
    assert_eq!(settings.org_name, "My organisation");
    let sources: Vec<String> = settings.table.rows().take(2).map(|row| row.source.to_string()).collect();
    assert_eq!(sources, ["default", "flag"]);
}

#[test]
fn defaults_are_valid_and_embedded() {
    let settings = load(&[], &[], None).unwrap();
    assert!(settings.database_url.is_none() && settings.nats_url.is_none() && settings.listen.is_none());
    assert!(!settings.is_home_asked);
    assert_eq!(settings.home, Path::new("./.lime"));
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    let said = message(load(&[], &[], Some("lisen = \"x\"")));
    assert!(said.contains("unknown setting lisen") && said.contains("did you mean listen?"), "{said}");
    let said = message(load(&[], &[("LIME_LISTN", "x")], None));
    assert!(said.contains("LIME_LISTN in the environment; did you mean LIME_LISTEN?"), "{said}");
    let said = message(load(&[], &[], Some("colour = 1")));
    assert!(said.contains("`lime config` lists"), "{said}");
}

#[test]
fn variables_of_the_tests_and_of_others_are_left_alone() {
    load(&[], &[("LIME_TEST_SLACK", "3"), ("PATH", "/bin"), ("LIME_LISTEN", "")], None).unwrap();
}

#[test]
fn an_invalid_value_names_the_setting_its_source_and_what_is_wanted() {
    let said = message(load(&[], &[("LIME_LISTEN", "everywhere")], None));
    assert!(said.contains("LIME_LISTEN (environment) is \"everywhere\": wanted is an address"), "{said}");
    for (name, value) in [
        ("LIME_PUBLIC_URL", "ftp://example.org"),
        ("LIME_PUBLIC_URL", "https://example.org/path"),
        ("LIME_OBJECTS", "s3:bucket"),
        ("LIME_SLOTS", "65"),
        ("LIME_LOG", "loud"),
        ("OPENAI_BASE_URL", "not an address"),
    ] {
        let said = message(load(&[], &[(name, value)], None));
        assert!(said.starts_with(name) && said.contains("wanted is"), "{said}");
    }
    assert!(message(load(&[], &[], Some("listen = [1]"))).contains("listen in"));
    assert!(message(load(&[], &[], Some("listen ="))).contains("not valid TOML"));
}

#[test]
fn a_secret_is_never_shown() {
    let settings = load(&[], &[("OPENAI_API_KEY", "sk-canary")], None).unwrap();
    let row = settings.table.rows().find(|row| row.setting.key == "openai_api_key").unwrap();
    assert_eq!(row.shown(), "********");
    assert!(!format!("{settings:?}").contains("canary"));
}

#[test]
fn the_example_file_lists_every_setting() {
    let example = include_str!("../../../.env.example");
    let listed: Vec<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.variable).collect();
    assert_eq!(listed, known);
}

#[test]
fn a_github_app_has_an_id_and_a_secret() {
    assert!(load(&[], &[], None).unwrap().github_app.is_none());
    let both = [("GITHUB_CLIENT_ID", "id"), ("GITHUB_CLIENT_SECRET", "hush")];
    let settings = load(&[], &both, None).unwrap();
    assert_eq!(settings.github_app.as_ref().unwrap().0, "id");
    assert!(!format!("{settings:?}").contains("hush"));
    let said = message(load(&[], &both[..1], None));
    assert_eq!(said, "GITHUB_CLIENT_ID is set and GITHUB_CLIENT_SECRET is not: they go together");
}

//! The master key at start: made once, believed only when it opens what was sealed, rotated beside a running product.

mod product;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use product::Place;

fn new_key() -> String {
    STANDARD.encode(rand::random::<[u8; 32]>())
}

#[tokio::test]
async fn a_home_makes_its_own_and_another_one_is_refused_with_the_remedy() {
    let place = Place::new();
    let mut up = place.up();
    let file = place.home().join("master.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let own = fs::read_to_string(&file).unwrap();
    assert!(!up.log().contains(&own), "the key is in the log");
    assert_eq!(up.stop(), Some(0));

    let mut strange = place.lime(&["up", "--home", "home", "--listen", "127.0.0.1:0"]);
    strange.env("ENCRYPTION_MASTER_KEY", new_key());
    let refused = strange.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("sealed under the master key") && said.contains("configure that key again"), "{said}");

    for (name, value) in [("ENCRYPTION_MASTER_KEY", "hunter2"), ("ENCRYPTION_MASTER_KEY_COMMAND", "exit 3")] {
        let mut unusable = place.lime(&["up", "--home", "home", "--listen", "127.0.0.1:0"]);
        unusable.env(name, value);
        let refused = unusable.output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }

    let mut again = place.up();
    assert_eq!(fs::read_to_string(&file).unwrap(), own);
    assert_eq!(again.stop(), Some(0));
}

#[tokio::test]
async fn a_rotation_lets_the_old_key_go() {
    let place = Place::new();
    let mut up = place.up();
    let old = fs::read_to_string(place.home().join("master.key")).unwrap();
    let new = new_key();
    let both = format!("{new},{old}");
    let rotate = |keys: &str| {
        let mut rotate = place.lime(&["keys", "rotate", "--home", "home"]);
        rotate.env("ENCRYPTION_MASTER_KEY", keys);
        rotate.output().unwrap()
    };
    let too_early = rotate(&new);
    assert_eq!(too_early.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&too_early.stderr).contains("which is not configured"), "{too_early:?}");
    let done = rotate(&both);
    assert!(done.status.success(), "{done:?}");
    let mut listed = place.lime(&["keys", "list", "--home", "home"]);
    listed.env("ENCRYPTION_MASTER_KEY", &new);
    let listed = listed.output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.lines().count() == 1 && text.contains(", current"), "{text}");
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test]
async fn a_role_that_needs_the_vault_does_not_start_without_its_key() {
    let place = Place::new();
    let mut up = place.up();
    let runtime: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.home().join("runtime.json")).unwrap()).unwrap();
    let role = |role: &str, key: Option<String>| {
        let mut alone = place.lime(&[role, "--home", "elsewhere"]);
        alone.env("DATABASE_URL", runtime["databaseUrl"].as_str().unwrap());
        alone.env("NATS_URL", runtime["natsUrl"].as_str().unwrap());
        if let Some(key) = key {
            alone.env("ENCRYPTION_MASTER_KEY", key);
        }
        let ended = alone.output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    for needs_it in ["gateway", "work"] {
        let (code, said) = role(needs_it, None);
        assert_eq!(code, Some(2), "{needs_it}: {said}");
        assert!(said.contains("there is no master key") && said.contains("ENCRYPTION_MASTER_KEY"), "{said}");
        let (code, said) = role(needs_it, Some(new_key()));
        assert_eq!(code, Some(1), "{needs_it}: {said}");
        assert!(said.contains("configure that key again"), "{said}");
    }
    assert_eq!(up.stop(), Some(0));
}

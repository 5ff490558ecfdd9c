//! The untyped layer: each setting's text, and where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{SETTINGS, Setting, SettingsError, suggestion};

/// Where a value came from, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment,
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => write!(out, "flag"),
            Self::Environment => write!(out, "environment"),
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Default => write!(out, "default"),
        }
    }
}

pub(crate) struct Resolved {
    pub(crate) setting: &'static Setting,
    pub(crate) value: String,
    pub(crate) source: Source,
}

// Never derived: the value may be a secret.
impl fmt::Debug for Resolved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={} ({})", self.setting.variable, self.shown(), self.source)
    }
}

impl Resolved {
    /// The value as it may be shown: a secret that somebody set is masked.
    pub(crate) fn shown(&self) -> &str {
        if self.setting.is_secret && self.source != Source::Default { "********" } else { &self.value }
    }
}

#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Resolved>,
}

impl Table {
    pub(super) fn resolve(
        flags: &[(&'static str, String)],
        environment: impl Iterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        // A variable that is set to nothing counts as not set: that is how a line of `.env` is emptied.
        let environment: BTreeMap<String, String> = environment.filter(|(_, value)| !value.is_empty()).collect();
        refuse_unknown_variables(environment.keys())?;
        let file = file.map(|path| Ok::<_, SettingsError>((path, read(path)?))).transpose()?;
        let resolve = |setting: &'static Setting| {
            let flag =
                flags.iter().find(|(key, _)| *key == setting.key).map(|(_, value)| (value.clone(), Source::Flag));
            let variable = || environment.get(setting.variable).map(|value| (value.clone(), Source::Environment));
            let in_file = || {
                let (path, values) = file.as_ref()?;
                values.get(setting.key).map(|value| (value.clone(), Source::File(path.to_path_buf())))
            };
            let (value, source) = flag
                .or_else(variable)
                .or_else(in_file)
                .unwrap_or_else(|| (setting.default.to_owned(), Source::Default));
            Resolved { setting, value, source }
        };
        Ok(Self { rows: SETTINGS.iter().map(resolve).collect() })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Resolved> {
        self.rows.iter()
    }

    fn row(&self, key: &str) -> Option<&Resolved> {
        self.rows.iter().find(|row| row.setting.key == key)
    }

    /// The value, be it the default.
    pub(super) fn value(&self, key: &str) -> &str {
        self.row(key).map_or("", |row| &row.value)
    }

    /// The value if somebody set it.
    pub(super) fn given(&self, key: &str) -> Option<&Resolved> {
        self.row(key).filter(|row| row.source != Source::Default)
    }

    /// The value in its type, if somebody set it.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingsError> {
        self.given(key).map(|row| parse(&row.value).ok_or_else(|| invalid(row, wanted))).transpose()
    }

    /// The value in its type; the default parses too.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingsError> {
        let unknown = || SettingsError::Unknown {
            name: key.into(),
            place: "the table of settings".into(),
            suggestion: String::new(),
        };
        let row = self.row(key).ok_or_else(unknown)?;
        parse(&row.value).ok_or_else(|| invalid(row, wanted))
    }
}

fn invalid(row: &Resolved, wanted: &str) -> SettingsError {
    SettingsError::Invalid {
        name: row.setting.variable,
        source_name: row.source.to_string(),
        value: row.shown().to_owned(),
        wanted: wanted.to_owned(),
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, SettingsError> {
    let text = fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.into(), source })?;
    let parsed: toml::Table =
        toml::from_str(&text).map_err(|source| SettingsError::Toml { path: path.into(), source: Box::new(source) })?;
    let mut values = BTreeMap::new();
    for (key, value) in parsed {
        if !SETTINGS.iter().any(|setting| setting.key == key) {
            let known = SETTINGS.iter().map(|setting| setting.key);
            return Err(unknown(key.clone(), path.display().to_string(), suggestion::nearest(&key, known)));
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(SettingsError::NotScalar { key, path: path.into() });
            }
        };
        values.insert(key, text);
    }
    Ok(values)
}

/// A typing error in `LIME_…` would otherwise pass in silence. `LIME_TEST_…` and `LIME_CRASHPOINT` belong to the tests.
fn refuse_unknown_variables<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), SettingsError> {
    let is_a_tests = |name: &str| name.starts_with("LIME_TEST_") || name == "LIME_CRASHPOINT";
    for name in names.filter(|name| name.starts_with("LIME_") && !is_a_tests(name)) {
        if !SETTINGS.iter().any(|setting| setting.variable == name) {
            let known = SETTINGS.iter().map(|setting| setting.variable);
            return Err(unknown(name.clone(), "the environment".into(), suggestion::nearest(name, known)));
        }
    }
    Ok(())
}

fn unknown(name: String, place: String, nearest: Option<&str>) -> SettingsError {
    let suggestion = nearest.map_or_else(
        || "; `lime config` lists those there are".to_owned(),
        |nearest| format!("; did you mean {nearest}?"),
    );
    SettingsError::Unknown { name, place, suggestion }
}

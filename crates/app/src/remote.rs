//! Runs whose `--out` is an address in object storage.
//!
//! Such a run is driven in a local folder, and its finished files are uploaded. Here is only what settings have to know: which
//! texts are addresses, and which folder goes with one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::usage;

/// Folder that the local folders of such runs are in.
const FOLDER: &str = "data/remote";

/// Whether a path is an address, such as `s3://bucket/run`.
pub fn is_address(path: &Path) -> bool {
    path.to_str().and_then(|text| text.split_once("://")).is_some_and(|(scheme, _)| {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        scheme.len() > 1 && scheme.chars().all(is_of_scheme)
    })
}

/// The local folder of a run at an address: `data/remote/s3/bucket/run` for `s3://bucket/run`.
pub(crate) fn local_folder(address: &str) -> PathBuf {
    Path::new(FOLDER).join(as_path(address))
}

/// An address as a path: `s3/bucket/run` for `s3://bucket/run`.
pub fn as_path(address: &str) -> PathBuf {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let parts = std::iter::once(scheme).chain(rest.split('/'));
    let is_name = |part: &&str| !matches!(*part, "" | "." | "..");
    // A colon or a question mark is no part of a name on every system.
    let name =
        |part: &str| part.replace(|c: char| "\\:?#*\"<>|".contains(c) || c.is_control(), "_");
    parts.filter(is_name).map(name).collect()
}

/// Divides `out` in settings into the local folder and the address, if it is one: whatever names a folder also says whether it
/// is uploaded, and to where.
///
/// # Errors
/// A local folder for a run that has no address.
pub(crate) fn divide(layer: &mut Map<String, Value>) -> crate::Result<()> {
    let work = layer.remove("work");
    let out = layer.get("out").and_then(Value::as_str).map(str::to_owned);
    let address = out.filter(|out| is_address(Path::new(out)));
    if let Some(address) = &address {
        let folder = match work {
            Some(folder) => folder,
            None => local_folder(address).to_string_lossy().into(),
        };
        layer.insert("out".to_owned(), folder);
    } else if work.is_some() {
        return Err(usage(
            "--work names the local folder of a run whose --out is an address, and it is none",
            "leave out --work, or give an address: --out s3://BUCKET/FOLDER",
        ));
    }
    if layer.contains_key("out") {
        layer.insert("remote".to_owned(), address.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_has_a_local_folder() {
        for (address, folder) in [
            ("s3://bucket/runs/large", "data/remote/s3/bucket/runs/large"),
            ("s3://bucket/a/../../b//c/", "data/remote/s3/bucket/a/b/c"),
            ("file:///mnt/run", "data/remote/file/mnt/run"),
            ("az://container@account/run", "data/remote/az/container@account/run"),
            ("https://host:9000/b", "data/remote/https/host_9000/b"),
        ] {
            assert!(is_address(Path::new(address)), "{address}");
            assert_eq!(local_folder(address), Path::new(folder), "{address}");
        }
        for path in ["run", "/data/run", "c:/run", "a:b", "./s3:/bucket", "://x"] {
            assert!(!is_address(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn what_names_a_folder_says_where_it_is_uploaded() {
        let divided = |layer: Value| {
            let Value::Object(mut layer) = layer else { panic!("no layer") };
            divide(&mut layer).map(|()| Value::Object(layer)).map_err(|e| e.to_string())
        };
        let of = |out: &str, remote: Value| Ok(json!({ "out": out, "remote": remote }));
        let bucket = "s3://bucket/run";
        assert_eq!(divided(json!({})), Ok(json!({})));
        assert_eq!(divided(json!({ "out": "run" })), of("run", Value::Null));
        assert_eq!(
            divided(json!({ "out": bucket })),
            of("data/remote/s3/bucket/run", json!(bucket))
        );
        assert_eq!(divided(json!({ "out": bucket, "work": "here" })), of("here", json!(bucket)));
        assert!(divided(json!({ "out": "run", "work": "here" })).is_err());
        assert!(divided(json!({ "work": "here" })).is_err());
    }
}

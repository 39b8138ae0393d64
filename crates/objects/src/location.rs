use std::fmt;

use object_store::ObjectStoreScheme;
use object_store::path::Path;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// An address in object storage: a folder of objects, or a single one.
///
/// ```
/// use clinstruct_objects::Location;
///
/// let run = Location::parse("s3://bucket/runs/large")?;
/// assert_eq!(run.to_string(), "s3://bucket/runs/large");
/// assert_eq!(run.join("summary.json").to_string(), "s3://bucket/runs/large/summary.json");
/// assert!(Location::parse("ftp://server/run").is_err());
/// # Ok::<(), clinstruct_objects::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
    provider: Provider,
    path: Path,
}

/// Who has the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    S3,
    Google,
    Azure,
    Folder,
}

impl Location {
    /// Reads an address: `s3://`, `gs://`, `az://` (also `abfs://` and its other names), the providers' own `https://`
    /// addresses, and `file:///` for a folder.
    ///
    /// # Errors
    /// Anything else, and an address with a password, a query or a fragment: credentials come from the environment.
    pub fn parse(text: &str) -> Result<Self> {
        // The text is not repeated, since it may contain a key.
        let wrong = |why: &str| {
            let place = text.split(['?', '#']).next().unwrap_or_default();
            let place = if place.contains('@') { "the address" } else { place };
            Error::new(ErrorKind::Address, format!("{place} is no address of object storage"))
                .because(why)
        };
        let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
        if url.password().is_some() {
            return Err(wrong(
                "it contains a password, which belongs into an environment variable",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "it has a `?` or `#`; write %3F and %23 if they are part of a name, and keep keys in environment variables",
            ));
        }
        let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|e| match url.scheme() {
            "file" => wrong("a folder has three slashes: file:///data/run"),
            "s3" | "gs" | "az" => wrong(&format!("it names no bucket, or a strange folder: {e}")),
            other => wrong(&format!("{other}:// is not supported")),
        })?;
        let provider = match scheme {
            ObjectStoreScheme::AmazonS3 => Provider::S3,
            ObjectStoreScheme::GoogleCloudStorage => Provider::Google,
            ObjectStoreScheme::MicrosoftAzure => Provider::Azure,
            ObjectStoreScheme::Local => Provider::Folder,
            _ => {
                return Err(wrong(&format!(
                    "{}://{} is not supported",
                    url.scheme(),
                    url.host_str().unwrap_or_default()
                )));
            }
        };
        Ok(Self { url, provider, path })
    }

    /// The address of something below this one. `name` may have slashes.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(name.split('/'));
        }
        Self { url, provider: self.provider, path: self.key(name) }
    }

    /// The folder above, unless this is the whole bucket.
    pub fn parent(&self) -> Option<Self> {
        let mut url = self.url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().pop();
        let mut parts: Vec<_> = self.path.parts().collect();
        parts.pop()?;
        Some(Self { url, provider: self.provider, path: parts.into_iter().collect() })
    }

    /// The last part of the path.
    pub fn name(&self) -> Option<&str> {
        self.path.filename()
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The path in the bucket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path in the bucket of something below this address.
    pub(crate) fn key(&self, name: &str) -> Path {
        let parts = self.path.parts().map(|part| part.as_ref().to_owned());
        let parts: Vec<String> = parts.chain(std::iter::once(name.to_owned())).collect();
        // What cannot be in a key is escaped in it.
        Path::parse(parts.join("/"))
            .unwrap_or_else(|_| name.split('/').fold(self.path.clone(), Path::join))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_all_providers_are_known() {
        for (text, provider, path) in [
            ("s3://bucket/run", Provider::S3, "run"),
            ("s3://bucket", Provider::S3, ""),
            ("s3a://bucket/runs/large/", Provider::S3, "runs/large"),
            ("https://s3.eu-west-1.amazonaws.com/bucket/run", Provider::S3, "run"),
            ("https://id.r2.cloudflarestorage.com/bucket/run", Provider::S3, "run"),
            ("gs://bucket/a%20b/ü", Provider::Google, "a b/ü"),
            ("az://container/run", Provider::Azure, "run"),
            ("abfss://container@account.dfs.core.windows.net/run", Provider::Azure, "run"),
            ("https://account.blob.core.windows.net/container/run", Provider::Azure, "run"),
            ("file:///data/run", Provider::Folder, "data/run"),
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!((location.provider, location.path.as_ref()), (provider, path), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused_and_no_key_is_repeated() {
        for text in [
            "ftp://host/run",
            "http://host/run",
            "https://example.com/run",
            "file://data/run",
            "s3:///run",
            "s3://key:secret@bucket/run",
            "az://container/run?sv=1&sig=secret",
            "https://account.blob.core.windows.net/c/run?sig=secret",
            "s3://bucket/run#secret",
            "memory:///run",
            "nonsense",
        ] {
            let e = Location::parse(text).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Address, "{text}");
            let shown = format!("{e}: {}", e.reason());
            assert!(!shown.contains("secret") && !shown.contains("sig="), "{shown}");
        }
    }

    #[test]
    fn a_name_below_is_a_key_and_an_address() {
        let run = Location::parse("s3://bucket/runs/a%20b/").unwrap();
        let file = run.join("data/train 1%.parquet");
        assert_eq!(file.to_string(), "s3://bucket/runs/a%20b/data/train%201%25.parquet");
        assert_eq!(file.path().as_ref(), "runs/a b/data/train 1%.parquet");
        assert_eq!(Location::parse(&file.to_string()).unwrap(), file);
        assert_eq!(file.parent().and_then(|p| p.parent()).map(|p| p.path), Some(run.path));
        assert_eq!(Location::parse("s3://bucket").unwrap().parent(), None);
    }
}

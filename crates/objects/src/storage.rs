use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ClientConfigKey, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};

use crate::error::{Error, ErrorKind, Result};
use crate::folder::FolderParts;
use crate::location::{Location, Provider};
use crate::manifest::{MANIFEST, Manifest};
use crate::patience::Patience;

/// Time for one request with its data. The default of `object_store`, 30 s, is too short for a part on a slow connection.
const REQUEST: &str = "300 seconds";
/// Largest manifest that is read.
const MOST_MANIFEST: u64 = 64 << 20;

/// An address in object storage that is open.
pub struct Storage {
    pub(crate) location: Location,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) parts: Arc<dyn MultipartStore>,
    patience: Patience,
    notify: fn(&str),
    /// Whether the user was told that the server does not answer.
    is_waiting: AtomicBool,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest has credentials.
        f.debug_struct("Storage").field("location", &self.location).finish_non_exhaustive()
    }
}

/// An object as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) size: u64,
    pub(crate) tag: Option<String>,
}

/// What a server calls the contents of an object; Azure writes it with and without quotation marks.
pub(crate) fn tag(e_tag: Option<String>) -> Option<String> {
    e_tag.map(|tag| tag.trim_matches('"').to_owned()).filter(|tag| !tag.is_empty())
}

impl Storage {
    /// Opens an address with the credentials of the environment, and sends nothing yet. `notify` gets messages for the user.
    ///
    /// # Errors
    /// Settings in the environment that are wrong or missing.
    pub fn open(location: Location, patience: Patience, notify: fn(&str)) -> Result<Self> {
        // Fails where the process has a provider, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // `Patience` decides.
        let retry = || RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let timeout = ClientConfigKey::Timeout;
        let url = location.url();
        let failed =
            |e: object_store::Error| Error::of_store(format!("cannot open {location}"), &e);
        let (objects, parts): (Arc<dyn ObjectStore>, Arc<dyn MultipartStore>) =
            match location.provider() {
                Provider::S3 => {
                    let s3 = AmazonS3Builder::from_env()
                        .with_url(url)
                        .with_config(AmazonS3ConfigKey::Client(timeout), REQUEST)
                        .with_retry(retry());
                    let s3 = Arc::new(s3.build().map_err(failed)?);
                    (s3.clone(), s3)
                }
                Provider::Google => {
                    let google = GoogleCloudStorageBuilder::from_env()
                        .with_url(url)
                        .with_config(GoogleConfigKey::Client(timeout), REQUEST)
                        .with_retry(retry());
                    let google = Arc::new(google.build().map_err(failed)?);
                    (google.clone(), google)
                }
                Provider::Azure => {
                    let azure = MicrosoftAzureBuilder::from_env()
                        .with_url(url)
                        .with_config(AzureConfigKey::Client(timeout), REQUEST)
                        .with_retry(retry());
                    let azure = Arc::new(azure.build().map_err(failed)?);
                    (azure.clone(), azure)
                }
                Provider::Folder => {
                    let folder = Arc::new(LocalFileSystem::new());
                    (folder.clone(), Arc::new(FolderParts(folder)))
                }
            };
        Ok(Self::of_stores(location, objects, parts, patience, notify))
    }

    /// The same with other stores, such as one in memory.
    pub(crate) fn of_stores(
        location: Location,
        objects: Arc<dyn ObjectStore>,
        parts: Arc<dyn MultipartStore>,
        patience: Patience,
        notify: fn(&str),
    ) -> Self {
        let is_waiting = AtomicBool::new(false);
        Self { location, objects, parts, patience, notify, is_waiting }
    }

    /// The address.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The same storage at another address of it.
    pub(crate) fn at(&self, location: Location) -> Self {
        let (objects, parts) = (Arc::clone(&self.objects), Arc::clone(&self.parts));
        Self::of_stores(location, objects, parts, self.patience, self.notify)
    }

    /// The manifest at this address; `None` where there is none.
    ///
    /// # Errors
    /// A server that does not answer or refuses, and a manifest that cannot be read.
    pub async fn manifest(&self) -> Result<Option<Manifest>> {
        let place = self.location.join(MANIFEST);
        let key = self.location.key(MANIFEST);
        let read = || async {
            let got = self.objects.get(&key).await?;
            if got.meta.size > MOST_MANIFEST {
                return Ok(None);
            }
            got.bytes().await.map(Some)
        };
        let bytes = match self.patiently(format!("cannot read {place}"), read).await {
            Ok(bytes) => bytes,
            Err(e) if e.kind == ErrorKind::Missing => return Ok(None),
            Err(e) => return Err(e),
        };
        let none = |why: String| {
            Error::new(ErrorKind::Manifest, format!("cannot read the manifest {place}"))
                .because(why)
        };
        let bytes = bytes.ok_or_else(|| none("it is too large for one".to_owned()))?;
        Manifest::parse(&bytes).map(Some).map_err(none)
    }

    /// The manifest of the run at this address, which has to be complete.
    ///
    /// # Errors
    /// As [`manifest`](Self::manifest), and if there is no run or its upload has not finished.
    pub async fn finished(&self) -> Result<Manifest> {
        match self.manifest().await? {
            Some(manifest) if manifest.complete => Ok(manifest),
            Some(_) => Err(Error::new(
                ErrorKind::Incomplete,
                format!(
                    "the run at {} is not complete: its upload has not finished",
                    self.location
                ),
            )),
            None => Err(Error::new(
                ErrorKind::NoRun,
                format!("there is no run at {}: it has no {MANIFEST}", self.location),
            )),
        }
    }

    /// Writes a manifest in the place of the one that is there.
    pub(crate) async fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let place = self.location.join(MANIFEST);
        let failed = |e: serde_json::Error| Error::local(format!("cannot write {place}"), e.into());
        let bytes = manifest.to_bytes().map_err(failed)?;
        self.put(MANIFEST, bytes.into()).await.map(|_| ())
    }

    /// Writes an object at once; returns the tag of its contents.
    pub(crate) async fn put(&self, name: &str, bytes: Bytes) -> Result<Option<String>> {
        let key = self.location.key(name);
        let payload = PutPayload::from(bytes);
        let put = || self.objects.put(&key, payload.clone());
        let place = self.location.join(name);
        let result = self.patiently(format!("cannot write {place}"), put).await?;
        Ok(tag(result.e_tag))
    }

    /// Removes an object, if it is there.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let key = self.location.key(name);
        let place = self.location.join(name);
        let removed =
            self.patiently(format!("cannot remove {place}"), || self.objects.delete(&key)).await;
        match removed {
            Err(e) if e.kind != ErrorKind::Missing => Err(e),
            _ => Ok(()),
        }
    }

    /// The objects at this address and below, by their keys.
    pub(crate) async fn list(&self) -> Result<HashMap<Path, Listed>> {
        let list = || async {
            let mut all = HashMap::new();
            let mut objects = self.objects.list(Some(self.location.path()));
            while let Some(object) = objects.next().await {
                let object = object?;
                let listed = Listed { size: object.size, tag: tag(object.e_tag) };
                all.insert(object.location, listed);
            }
            Ok(all)
        };
        match self.patiently(format!("cannot list {}", self.location), list).await {
            // A folder that is not there yet.
            Err(e) if e.kind == ErrorKind::Missing => Ok(HashMap::new()),
            listed => listed,
        }
    }

    /// Does it until the server answers, or patience ends.
    pub(crate) async fn patiently<T, F>(
        &self,
        operation: String,
        mut once: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let mut failed = 0;
        loop {
            let e = match once().await {
                Ok(done) => {
                    self.is_waiting.store(false, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(e) => Error::of_store(operation.clone(), &e),
            };
            failed += 1;
            self.wait(e, failed).await?;
        }
    }

    /// Waits after a temporary error, unless it was the last attempt.
    pub(crate) async fn wait(&self, e: Error, failed: u32) -> Result<()> {
        let pause = self.patience.after(failed).filter(|_| e.is_temporary());
        let Some(pause) = pause else { return Err(e) };
        if !self.is_waiting.swap(true, Ordering::Relaxed) {
            (self.notify)(&format!("{}: {}; trying again for a while", self.location, e.reason()));
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

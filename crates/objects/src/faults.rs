//! A store in memory that fails at a given request, as a server or a network does, and says what it was asked.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of the request at which the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    Lost,
    /// It is done, and its response is lost.
    Unanswered,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    requests: AtomicU64,
    /// From this request on all fail,
    fails_at: u64,
    /// until this one.
    pub(crate) recovers_at: u64,
    fault: Fault,
    /// Whether lists have no tags, as those of some servers.
    pub(crate) lists_no_tags: bool,
    /// Uploads that this server does not know (any more) are those that another one began.
    pub(crate) forgets: bool,
    began: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Faulty {
    /// A server with these objects that never fails.
    pub(crate) fn sound(inner: &Arc<InMemory>) -> Self {
        Self::failing(inner, u64::MAX, Fault::Lost)
    }

    /// A server that fails from a request on.
    pub(crate) fn failing(inner: &Arc<InMemory>, fails_at: u64, fault: Fault) -> Self {
        Self {
            inner: Arc::clone(inner),
            requests: AtomicU64::new(0),
            fails_at,
            recovers_at: u64::MAX,
            fault,
            lists_no_tags: false,
            forgets: false,
            began: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts a request; returns whether it is done, and whether it is answered.
    fn arrives(&self, what: String) -> (bool, bool) {
        self.asked.lock().unwrap().push(what);
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let answers = number < self.fails_at || number >= self.recovers_at;
        let is_done = answers || (number == self.fails_at && self.fault == Fault::Unanswered);
        (is_done, answers)
    }

    async fn request<T>(&self, what: String, done: impl Future<Output = Result<T>>) -> Result<T> {
        let (is_done, answers) = self.arrives(what);
        let result = if is_done { Some(done.await) } else { None };
        result.filter(|_| answers).unwrap_or_else(|| Err(gone()))
    }

    fn ensure_known(&self, path: &Path, id: &MultipartId) -> Result<()> {
        if self.forgets && !self.began.lock().unwrap().contains(id) {
            let source = "NoSuchUpload".into();
            return Err(Error::NotFound { path: path.to_string(), source });
        }
        Ok(())
    }
}

/// An unknown upload as a server reports it.
fn as_of_server<T>(path: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|e| {
        if e.to_string().contains("MultipartUpload not found") {
            Error::NotFound { path: path.to_string(), source: "NoSuchUpload".into() }
        } else {
            e
        }
    })
}

fn gone() -> Error {
    Error::Generic { store: "test", source: "HTTP error: connection closed".into() }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, data: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.request(format!("put {path}"), self.inner.put_opts(path, data, o)).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(gone())
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(format!("get {path}"), self.inner.get_opts(path, options)).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.request(format!("get {path}"), self.inner.get_ranges(path, ranges)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (is_done, answers) = self.arrives("delete".to_owned());
        let failed = || stream::once(async { Err(gone()) }).boxed();
        if !is_done {
            return failed();
        }
        let deleted = self.inner.delete_stream(paths);
        if answers { deleted } else { deleted.map(|_| Err(gone())).boxed() }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (_, answers) = self.arrives("list".to_owned());
        if !answers {
            return stream::once(async { Err(gone()) }).boxed();
        }
        let lists_no_tags = self.lists_no_tags;
        let listed = self.inner.list(prefix);
        listed
            .map(move |object| {
                object.map(|o| ObjectMeta { e_tag: o.e_tag.filter(|_| !lists_no_tags), ..o })
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[async_trait]
impl MultipartStore for Faulty {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        let id = self.request(format!("create {path}"), self.inner.create_multipart(path)).await?;
        self.began.lock().unwrap().push(id.clone());
        Ok(id)
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        self.ensure_known(path, id)?;
        let put = self.inner.put_part(path, id, part_idx, data);
        as_of_server(path, self.request(format!("part {path} {part_idx}"), put).await)
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        self.ensure_known(path, id)?;
        let complete = self.inner.complete_multipart(path, id, parts);
        as_of_server(path, self.request(format!("complete {path}"), complete).await)
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.ensure_known(path, id)?;
        self.request(format!("abort {path}"), self.inner.abort_multipart(path, id)).await
    }
}

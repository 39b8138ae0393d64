//! Records of earlier versions.

mod summary;

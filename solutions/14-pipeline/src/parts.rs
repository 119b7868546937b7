//! Whose code the parts are of which there is a lab: the reader's where the feature `mine-NN` says so, else the reference's.

#[cfg(feature = "mine-01")]
pub(crate) use mine_01 as feed;
#[cfg(not(feature = "mine-01"))]
pub(crate) use ref_01 as feed;

#[cfg(feature = "mine-04")]
pub(crate) use mine_04 as placement;
#[cfg(not(feature = "mine-04"))]
pub(crate) use ref_04 as placement;

#[cfg(feature = "mine-05")]
pub(crate) use mine_05 as producer;
#[cfg(not(feature = "mine-05"))]
pub(crate) use ref_05 as producer;

#[cfg(feature = "mine-07")]
pub(crate) use mine_07 as windows;
#[cfg(not(feature = "mine-07"))]
pub(crate) use ref_07 as windows;

#[cfg(feature = "mine-08")]
pub(crate) use mine_08 as watermarks;
#[cfg(not(feature = "mine-08"))]
pub(crate) use ref_08 as watermarks;

#[cfg(feature = "mine-09")]
pub(crate) use mine_09 as olap;
#[cfg(not(feature = "mine-09"))]
pub(crate) use ref_09 as olap;

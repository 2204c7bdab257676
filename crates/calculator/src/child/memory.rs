//! Parameters in memory that two processes read and none can change, and the way of descriptors from one to the other.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Write as _},
    mem::MaybeUninit,
    ops::Deref,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create},
    mm::{MapFlags, ProtFlags, mmap, munmap},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};

/// Seals against every change.
const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE).union(SealFlags::SEAL);

/// Largest number of descriptors that are handed over: the parameters, and the files of a saved round.
pub(super) const HANDED_MAX: usize = 3;

/// Returns memory with these values, little-endian, which nobody can change any more.
pub(super) fn share(values: &[f32]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(memfd_create("parameters", flags)?);
    let mut written = Ok(());
    model::for_each_bytes(values, |bytes| {
        if written.is_ok() {
            written = file.write_all(bytes);
        }
    });
    written?;
    fcntl_add_seals(&file, SEALS)?;
    Ok(file.into())
}

/// Values that another process has shared.
pub(super) struct Mapped {
    start: *const f32,
    count: usize,
}

impl Mapped {
    /// Returns so many values of shared memory.
    ///
    /// # Errors
    /// When the memory is not sealed, or holds another number of values.
    pub(super) fn new(memory: &OwnedFd) -> io::Result<Self> {
        let size = usize::try_from(fstat(memory)?.st_size).map_err(io::Error::other)?;
        let is_whole = size > 0 && size.is_multiple_of(4) && cfg!(target_endian = "little");
        if !fcntl_get_seals(memory)?.contains(SEALS) || !is_whole {
            return Err(io::Error::other("the shared parameters are not sealed or not whole"));
        }
        #[expect(unsafe_code, reason = "mapping memory has no safe wrapper")]
        // SAFETY: a new mapping, for reading only, at an address of the kernel's choice. Because of the seals the memory keeps its
        // size and bytes, so the slice below stays valid; any 4 bytes are an f32.
        let start = unsafe {
            mmap(std::ptr::null_mut(), size, ProtFlags::READ, MapFlags::SHARED, memory, 0)?
        };
        Ok(Self { start: start.cast_const().cast(), count: size / 4 })
    }
}

impl Deref for Mapped {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        #[expect(unsafe_code, reason = "the mapping as a slice")]
        // SAFETY: `start` is the start of a mapping of 4 · `count` bytes, aligned to a page, that lives as long as `self` and never
        // changes.
        unsafe {
            std::slice::from_raw_parts(self.start, self.count)
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "unmapping memory has no safe wrapper")]
        // SAFETY: the mapping of `new`, of which no slice outlives `self`.
        let _ends_with_the_process =
            unsafe { munmap(self.start.cast_mut().cast(), self.count * 4) };
    }
}

/// Hands descriptors over, with one byte.
pub(super) fn hand_over(socket: impl AsFd, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors"));
    }
    sendmsg(socket, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Returns the descriptors that were handed over.
pub(super) fn take_over(socket: impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    if received.bytes != 1 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(descriptors)
}

#[cfg(test)]
mod tests {
    use std::{io::Seek as _, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn shared_values_are_the_same_and_never_change() {
        let values: Vec<f32> = (0..60_000_u16).map(|each| f32::from(each) / 7.0 - 3.0).collect();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let memory = share(&values).unwrap();
        hand_over(&ours, &[memory.as_fd()]).unwrap();
        let taken = take_over(&theirs).unwrap();
        let mapped = Mapped::new(&taken[0]).unwrap();
        assert_eq!(*mapped, values[..]);
        let mut file = File::from(memory);
        file.rewind().unwrap();
        assert!(file.write_all(&[1, 2, 3, 4]).is_err(), "written");
        assert!(file.set_len(8).is_err(), "cut");
        assert_eq!(*mapped, values[..]);
    }

    #[test]
    fn memory_that_can_change_is_refused() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let open = memfd_create("open", flags).unwrap();
        File::from(open.try_clone().unwrap()).write_all(&[0; 8]).unwrap();
        assert!(Mapped::new(&open).is_err());
        fcntl_add_seals(&open, SEALS).unwrap();
        assert_eq!(*Mapped::new(&open).unwrap(), [0.0, 0.0]);
    }
}

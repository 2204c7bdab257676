//! For the tests of this crate: a child, as `gleaner compute` is one, and children that break the protocol.
//!
//! `calculate HOW MEMORY FILE`: HOW is `serve`, or what the child does instead.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixStream,
        process::ExitCode,
    };

    use calculator::{
        Needs,
        codec::{self, Answer, Done},
    };
    use units::Digest;
    use verification::StepReport;

    pub(crate) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [how, memory, file] = &arguments[..] else { return ExitCode::from(2) };
        let (Ok(memory), Ok(file)) = (memory.parse(), file.parse()) else {
            return ExitCode::from(2);
        };
        if how == "serve" {
            return calculator::serve(Needs { memory, file });
        }
        let Ok(stdin) = rustix::io::dup(rustix::stdio::stdin()) else {
            return ExitCode::from(2);
        };
        misbehave(how, &mut UnixStream::from(stdin));
        ExitCode::SUCCESS
    }

    /// Says or does what no honest child does. Whether the parent still listens does not matter.
    fn misbehave(how: &str, parent: &mut UnixStream) {
        // The byte that came with the descriptors, and the order.
        let heard = parent.read_exact(&mut [0]).map(|()| codec::read_order(parent));
        assert!(matches!(heard, Ok(Ok(_))), "the order was not heard");
        let mut say = |answer: &Answer| {
            let _ = codec::write_answer(parent, answer);
        };
        let step = |step| Answer::Paced(StepReport { step, steps: 4, loss: 1.0 });
        let whole = |leaves: Vec<Digest>| {
            Answer::Whole(Done { leaves, update: vec![7; 5], loss_mean: 1.0 })
        };
        match how {
            "abort" => std::process::abort(),
            "silence" => std::thread::sleep(std::time::Duration::from_secs(600)),
            "step-back" => [2, 1].into_iter().for_each(|each| say(&step(each))),
            "other-round" => say(&whole(vec![Digest::ZERO; 4])),
            "flood" => loop {
                say(&Answer::Saved(1));
            },
            "huge" => {
                let mut bytes = vec![b'W', 4, 0];
                bytes.extend_from_slice(&[0; 4 * 32 + 4]);
                bytes.extend_from_slice(&[0xff; 7]);
                let _ = parent.write_all(&bytes).and_then(|()| parent.write_all(&[0x7f]));
            }
            "words" => {
                let _ = parent.write_all(b"Hello, here is your result");
            }
            _ => {}
        }
    }
}

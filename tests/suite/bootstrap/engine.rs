//! What the engine does with stages, stamps, the console and cloud-init.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::scratch::{Machine, output, shells, stage, succeed};
use crate::support::tools::{On, as_root};

/// A stage body that leaves a line in `trace`.
pub(super) fn trace(text: &str) -> String {
    format!("echo {text} >>\"$BPC_ROOT/trace\"")
}

/// Ends a process, by the shell's own `kill`: the program of that name belongs to procps, which a container may lack.
fn end(process: &str) {
    succeed(Command::new("sh").args(["-c", "kill \"$1\"", "sh", process]));
}

#[test]
fn stages_run_once_and_in_order() {
    for shell in shells() {
        let stages = [stage(50, "last", &trace("last")), stage(7, "first", &trace("first"))];
        let machine = Machine::new(&shell, &stages);
        machine.run();
        assert_eq!(machine.read("trace"), "first\nlast\n");
        assert_eq!(machine.calls(), ["cloud-init status --wait", "sync", "sync"]);
        let markers = "bpc: gate-node01 first ok\nbpc: gate-node01 last ok\nbpc: gate-node01 ready\n";
        assert_eq!(machine.console(), markers);

        machine.run();
        assert_eq!(machine.read("trace"), "first\nlast\n");
        assert_eq!(machine.console(), markers);
    }
}

#[test]
fn a_machine_without_stages_is_ready() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        assert_eq!(machine.run(), "bpc: gate-node01 ready\n");
        assert_eq!(machine.console(), "bpc: gate-node01 ready\n");
    }
}

#[test]
fn the_output_of_stages_is_the_output_of_the_engine() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[stage(1, "talk", "echo out; echo err >&2; printf end")]);
        assert_eq!(machine.run(), "out\nerr\nendbpc: gate-node01 talk ok\nbpc: gate-node01 ready\n");
        assert_eq!(machine.console(), "bpc: gate-node01 talk ok\nbpc: gate-node01 ready\n");
    }
}

#[test]
fn a_changed_stage_runs_again() {
    for shell in shells() {
        let other = stage(20, "other", &trace("other"));
        let machine = Machine::new(&shell, &[stage(10, "site", &trace("old")), other.clone()]);
        machine.run();
        machine.install(&[stage(10, "site", &trace("new")), other]);
        machine.run();
        assert_eq!(machine.read("trace"), "old\nother\nnew\n");
    }
}

#[test]
fn what_another_seed_has_begun_is_done_again() {
    for shell in shells() {
        let good = stage(10, "site", &trace("good"));
        let machine = Machine::new(&shell, std::slice::from_ref(&good));
        machine.run();
        // It does something and fails, and the machine is switched off.
        machine.install(&[stage(10, "site", &format!("{}\nexit 1", trace("bad")))]);
        machine.stub("sleep", "case $1 in 0.*) ;; *) exit 1 ;; esac");
        assert!(!machine.engine().output().unwrap().status.success());
        machine.install(&[good]);
        machine.run();
        assert_eq!(machine.read("trace"), "good\nbad\ngood\n");
    }
}

#[test]
fn a_stage_that_a_new_seed_left_out_does_not_run() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[stage(10, "gone", &trace("gone"))]);
        machine.install(&[stage(20, "kept", &trace("kept"))]);
        machine.run();
        assert_eq!(machine.read("trace"), "kept\n");
    }
}

/// Fails until it was called `times` times, with seven lines of output.
pub(super) fn failing(times: u32) -> String {
    format!(
        "echo x >>\"$BPC_ROOT/tries\"\n\
         for n in 1 2 3 4 5 6; do echo \"line $n\"; done\n\
         printf 'colour \\033[1m, bell \\007, caf\\303\\251 and no end'\n\
         [ \"$(wc -l <\"$BPC_ROOT/tries\")\" -gt {times} ]"
    )
}

#[test]
fn a_failing_stage_is_tried_again_and_holds_the_later_ones() {
    for shell in shells() {
        let machine =
            Machine::new(&shell, &[stage(1, "flaky", &failing(7)), stage(2, "later", &trace("later"))]);
        machine.stub("sleep", "case $1 in 0.*) ;; *) ! [ -e \"$BPC_ROOT/trace\" ] ;; esac");
        machine.run();
        let delays: Vec<_> = machine.calls().into_iter().filter(|call| call.starts_with("sleep")).collect();
        assert_eq!(delays, ["sleep 2", "sleep 4", "sleep 8", "sleep 16", "sleep 32", "sleep 60", "sleep 60"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(machine.console(), @r"
            bpc: gate-node01 flaky failed (attempt 1, next in 2 s)
            bpc: gate-node01 flaky | line 3
            bpc: gate-node01 flaky | line 4
            bpc: gate-node01 flaky | line 5
            bpc: gate-node01 flaky | line 6
            bpc: gate-node01 flaky | colour [1m, bell , café and no end
            bpc: gate-node01 flaky failed (attempt 2, next in 4 s)
            bpc: gate-node01 flaky failed (attempt 3, next in 8 s)
            bpc: gate-node01 flaky failed (attempt 4, next in 16 s)
            bpc: gate-node01 flaky failed (attempt 5, next in 32 s)
            bpc: gate-node01 flaky failed (attempt 6, next in 60 s)
            bpc: gate-node01 flaky failed (attempt 7, next in 60 s)
            bpc: gate-node01 flaky ok
            bpc: gate-node01 later ok
            bpc: gate-node01 ready
            ");
        }
    }
}

/// Waits in a stage until the console has a line that ends so as often as this.
const AWAIT: &str = "await() {
  left=600
  until [ \"$(grep -c \"nothing said for $1 s)\\$\" \"$BPC_ROOT/console\")\" -ge \"$2\" ]; do
    left=$((left - 1))
    [ \"$left\" -gt 0 ] || exit 1
    /bin/sleep 0.1
  done
}
";

#[test]
fn an_attempt_that_says_nothing_is_mentioned_less_and_less_often() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[stage(1, "quiet", &format!("{AWAIT}await 4 1"))]);
        let said = succeed(machine.engine().env("BPC_QUIET", "1"));
        let expected = "bpc: gate-node01 quiet still runs (attempt 1, nothing said for 1 s)\n\
                        bpc: gate-node01 quiet still runs (attempt 1, nothing said for 2 s)\n\
                        bpc: gate-node01 quiet still runs (attempt 1, nothing said for 4 s)\n";
        let console = machine.console();
        assert!(console.starts_with(expected), "{console}");
        assert!(console.ends_with("bpc: gate-node01 quiet ok\nbpc: gate-node01 ready\n"), "{console}");
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn what_an_attempt_says_ends_its_silence() {
    for shell in shells() {
        let body = format!("{AWAIT}await 1 1\necho word\nawait 1 2");
        let machine = Machine::new(&shell, &[stage(1, "slow", &body), stage(2, "later", &trace("later"))]);
        succeed(machine.engine().env("BPC_QUIET", "1"));
        let console = machine.console();
        assert!(
            console.ends_with("slow ok\nbpc: gate-node01 later ok\nbpc: gate-node01 ready\n"),
            "{console}"
        );
        assert!(!console.contains("later still runs"), "{console}");
    }
}

#[test]
fn the_delays_can_be_set() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[stage(1, "flaky", &failing(3))]);
        succeed(machine.engine().env("BPC_RETRY_FIRST", "1").env("BPC_RETRY_MAX", "3"));
        let delays: Vec<_> = machine.calls().into_iter().filter(|call| call.starts_with("sleep")).collect();
        assert_eq!(delays, ["sleep 1", "sleep 2", "sleep 3"]);
    }
}

#[test]
fn a_stage_whose_file_is_missing_is_waited_for() {
    for shell in shells() {
        let stages = [stage(1, "lost", &trace("found"))];
        let machine = Machine::new(&shell, &stages);
        let file = machine.host_path("usr/local/lib/bpc/stages/01-lost");
        fs::rename(&file, machine.host_path("aside")).unwrap();
        let back = format!(
            "mv \"$BPC_ROOT/aside\" \"{}\"",
            machine.path("usr/local/lib/bpc/stages/01-lost").display()
        );
        machine.stub("sleep", &format!("case $1 in 2) {back} ;; esac"));
        succeed(&mut machine.engine());
        assert_eq!(machine.read("trace"), "found\n");
        assert!(machine.console().contains("bpc: gate-node01 lost failed (attempt 1, next in 2 s)\n"));
    }
}

#[test]
fn an_engine_that_was_killed_goes_on_where_it_was() {
    for shell in shells().into_iter().filter(|shell| shell.on == On::Host) {
        let middle = "if [ -e \"$BPC_ROOT/pid\" ]; then exit; fi\necho $$ >\"$BPC_ROOT/new\"\n\
                      mv \"$BPC_ROOT/new\" \"$BPC_ROOT/pid\"\nexec /bin/sleep 60";
        let stages = [
            stage(1, "before", &trace("before")),
            stage(2, "middle", middle),
            stage(3, "after", &trace("after")),
        ];
        let machine = Machine::new(&shell, &stages);
        let mut engine = machine.engine().stdout(Stdio::null()).spawn().unwrap();
        machine.wait_for("pid");
        engine.kill().unwrap();
        engine.wait().unwrap();
        assert_eq!(machine.console(), "bpc: gate-node01 before ok\n");
        assert!(!machine.host_path("var/lib/bpc/stamps/02-middle").exists());

        // systemd ends what a killed engine leaves behind; here it still runs, and must not hold the lock.
        machine.run();
        assert_eq!(machine.read("trace"), "before\nafter\n");
        assert!(
            machine.console().ends_with("middle ok\nbpc: gate-node01 after ok\nbpc: gate-node01 ready\n")
        );
        end(machine.read("pid").trim());
    }
}

#[test]
fn two_engines_do_not_run_at_once() {
    for shell in shells() {
        let body = format!(
            "{}\ntouch \"$BPC_ROOT/started\"\nwhile ! [ -e \"$BPC_ROOT/go\" ]; do /bin/sleep 0.05; done",
            trace("ran")
        );
        let machine = Machine::new(&shell, &[stage(1, "slow", &body)]);
        let mut first = machine.engine().stdout(Stdio::null()).spawn().unwrap();
        machine.wait_for("started");
        let second = output(&mut machine.engine());
        assert_eq!(second.status.code(), Some(75));
        assert_eq!(String::from_utf8_lossy(&second.stderr), "bpc: another bootstrap is running\n");
        fs::write(machine.host_path("go"), "").unwrap();
        assert!(first.wait().unwrap().success());
        assert_eq!(machine.read("trace"), "ran\n");
        assert_eq!(machine.console(), "bpc: gate-node01 slow ok\nbpc: gate-node01 ready\n");
    }
}

#[test]
fn a_process_that_a_stage_leaves_behind_does_not_hold_up_the_engine() {
    for shell in shells().into_iter().filter(|shell| shell.on == On::Host) {
        let machine =
            Machine::new(&shell, &[stage(1, "leaky", "/bin/sleep 60 &\necho $! >\"$BPC_ROOT/pid\"")]);
        let start = Instant::now();
        let mut command = machine.engine();
        let status = command.stdout(Stdio::null()).status().unwrap();
        assert!(status.success() && start.elapsed() < Duration::from_secs(20));
        assert_eq!(machine.console(), "bpc: gate-node01 leaky ok\nbpc: gate-node01 ready\n");
        end(machine.read("pid").trim());
    }
}

#[test]
fn a_console_that_is_missing_or_blocked_changes_nothing() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        let missing = succeed(machine.engine().env("BPC_CONSOLE", machine.path("no/such/console")));
        assert_eq!(missing, "bpc: gate-node01 ready\n");
        assert!(!machine.host_path("no").exists());

        // Nobody reads this pipe: opening it blocks, as a serial port may.
        succeed(Command::new("mkfifo").arg(machine.host_path("pipe")));
        let start = Instant::now();
        let blocked = succeed(machine.engine().env("BPC_CONSOLE", machine.path("pipe")));
        assert_eq!(blocked, "bpc: gate-node01 ready\n");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

        // Every write to this device fails.
        assert_eq!(succeed(machine.engine().env("BPC_CONSOLE", "/dev/full")), "bpc: gate-node01 ready\n");
    }
}

#[test]
fn the_first_serial_port_is_the_console() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        fs::create_dir(machine.host_path("dev")).unwrap();
        for (port, silent) in [("dev/ttyS0", "dev/ttyAMA0"), ("dev/ttyAMA0", "dev/ttyS0")] {
            fs::write(machine.host_path(port), "").unwrap();
            succeed(machine.engine().env_remove("BPC_CONSOLE"));
            assert_eq!(machine.read(port), "bpc: gate-node01 ready\n");
            fs::write(machine.host_path("dev/ttyS0"), "").unwrap();
            assert_eq!(machine.read(silent), "");
        }
    }
}

#[test]
fn trouble_of_cloud_init_is_reported_and_survived() {
    let cases = [("exit 1", "failed (exit 1)"), ("exit 2", "recovered from errors (exit 2)")];
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        for (body, verdict) in cases.into_iter().chain([("exec /bin/sleep 60", "still runs (exit 124)")]) {
            machine.stub("cloud-init", body);
            succeed(machine.engine().env("BPC_CLOUD_INIT_WAIT", "1"));
            let report =
                format!("bpc: gate-node01 cloud-init | {verdict}: cloud-init status --long says more\n");
            assert_eq!(machine.console(), format!("{report}bpc: gate-node01 ready\n"));
        }
    }
}

#[test]
fn status_tells_how_far_the_machine_is() {
    for shell in shells() {
        let status = "usr/local/bin/bpc-status";
        let body = format!("\"$BPC_ROOT/{status}\" >\"$BPC_ROOT/during\" || :\n{}", failing(2));
        let stages = [stage(1, "packages", ""), stage(2, "flaky", &body), stage(30, "later", "")];
        let machine = Machine::new(&shell, &stages);
        let before = output(&mut machine.command(status));
        assert_eq!(before.status.code(), Some(1));
        machine.run();
        insta::allow_duplicates! {
            insta::assert_snapshot!(String::from_utf8_lossy(&before.stdout), @r"
            01-packages              pending
            02-flaky                 pending
            30-later                 pending
            ");
            insta::assert_snapshot!(machine.read("during"), @r"
            01-packages              done
            02-flaky                 failed (attempt 2)
            30-later                 pending
            ");
            insta::assert_snapshot!(succeed(&mut machine.command(status)), @r"
            01-packages              done
            02-flaky                 done
            30-later                 done
            ");
        }
    }
}

#[test]
fn anybody_may_ask_how_far_the_machine_is() {
    for shell in shells().into_iter().filter(|shell| shell.on == On::Host) {
        let machine = Machine::new(&shell, &[stage(1, "packages", "")]);
        fs::set_permissions(machine.host_path(""), fs::Permissions::from_mode(0o755)).unwrap();
        machine.run();
        let inner = machine.command("usr/local/bin/bpc-status");
        // Who runs the tests may be somebody ordinary already.
        let mut command = Command::new(if as_root().is_empty() { "setpriv" } else { "env" });
        if as_root().is_empty() {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        command.arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        assert_eq!(succeed(&mut command), "01-packages              done\n");
    }
}

#[test]
fn an_unknown_argument_is_refused() {
    for shell in shells() {
        let machine = Machine::new(&shell, &[]);
        let refused = output(machine.engine().arg("--help"));
        assert_eq!(refused.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&refused.stderr), "usage: bootstrap [--status]\n");
    }
}

// SPDX-License-Identifier: MIT
/*
 * One run of primeshim ab: starts the command in a process group of its own, waits for it with a
 * time limit, and ends all processes that it leaves running. A process that has left its parent and
 * its group becomes a child of ours (PR_SET_CHILD_SUBREAPER), so it is found as well.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ab.h"
#include "lib/proc.h"

/* A process that gets SIGTERM has so many seconds to end. */
#define GRACE	1.0

static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define NSTOPS	(sizeof(stops) / sizeof(stops[0]))

static sigset_t wanted, mask_before;
static unsigned long long started;	/* ticks after the machine's start */
static int stopped;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

void running_prepare(void)
{
	long ticks = sysconf(_SC_CLK_TCK);
	struct sigaction was;
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	started = t.tv_sec * ticks + t.tv_nsec / (1000000000L / ticks);
	prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	/* If our parent ignored SIGCHLD, so do we, and children cannot be waited for. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	for (size_t i = 0; i < NSTOPS; i++)
		/* nohup or a script may have told us to ignore it. */
		if (!sigaction(stops[i], NULL, &was) && was.sa_handler != SIG_IGN)
			sigaddset(&wanted, stops[i]);
	sigprocmask(SIG_BLOCK, &wanted, &mask_before);
}

/* Waits for a signal until @until, and records one that asks us to end. False: none came. */
static bool wait_signal(double until)
{
	double left = until - now();
	struct timespec t = { 0 };
	int sig;

	if (left > 1e6)
		left = 1e6;
	if (left > 0) {
		t.tv_sec = floor(left);
		t.tv_nsec = (left - floor(left)) * 1e9;
	}
	sig = sigtimedwait(&wanted, NULL, &t);
	if (sig > 0 && sig != SIGCHLD)
		stopped = sig;
	return sig > 0 || errno == EINTR || left > 0;
}

int running_stopped(void)
{
	while (!stopped && wait_signal(0))
		;
	return stopped;
}

/*
 * In the child: becomes the command, with the descriptors @fds. Writes errno to @tell on failure.
 */
static void become(const struct ab *ab, char **env, char *dir, const int fds[3], int tell)
{
	size_t n = 0;
	char **all;

	setpgid(0, 0);
	/* If ab is killed, the command ends as well. */
	prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	while (env[n])
		n++;
	all = calloc(n + 2, sizeof(*all));
	if (all && dup2(fds[0], STDIN_FILENO) >= 0 && dup2(fds[1], STDOUT_FILENO) >= 0 &&
	    dup2(fds[2], STDERR_FILENO) >= 0) {
		memcpy(all, env, n * sizeof(*all));
		all[n] = dir;
		/* primeshim itself ignores SIGPIPE. */
		signal(SIGPIPE, SIG_DFL);
		sigprocmask(SIG_SETMASK, &mask_before, NULL);
		execvpe(ab->command[0], ab->command, all);
	}
	if (write(tell, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* The process group of the command, or -1 after a line on stderr. */
static pid_t start(const struct ab *ab, enum side side, char *dir, const int fds[3])
{
	int told[2], why;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		warn("ab: %s", ab->command[0]);
		return -1;
	}
	if (!pid)
		become(ab, ab->ways[side].env, dir, fds, told[1]);
	setpgid(pid, pid);
	close(told[1]);
	/* exec closes the pipe. */
	if (read(told[0], &why, sizeof(why)) != sizeof(why))
		why = 0;
	close(told[0]);
	if (!why)
		return pid;
	waitpid(pid, NULL, 0);
	errno = why;
	warn("ab: %s cannot be started", ab->command[0]);
	return -1;
}

/*
 * Sends @sig (0: none) to our children that are left, and returns whether there are any. A child
 * that is older than this program belongs to the program that started this one by exec().
 */
static bool signal_children(int sig)
{
	DIR *d = opendir("/proc");
	struct proc_stat p;
	struct dirent *e;
	bool any = false;

	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !proc_stat(atoi(e->d_name), &p) ||
		    p.parent != getpid() || p.start < started)
			continue;
		kill(p.pid, sig);
		any = true;
	}
	if (d)
		closedir(d);
	return any;
}

/* Reaps the children that have ended. Is a child left that this program has started? */
static bool any_left(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !pid && signal_children(0);
}

/* Ends what is left of the run, in the group @group and outside of it. */
static void end_rest(pid_t group)
{
	double until = now() + GRACE, next = 0;
	int sig = SIGTERM;

	while (any_left()) {
		if (sig != SIGKILL && (now() >= until || stopped))
			sig = SIGKILL;
		/* Others may have become our children since then. */
		if (now() >= next) {
			kill(-group, sig);
			signal_children(sig);
			/* A stopped process does not act on signals. */
			kill(-group, SIGCONT);
			next = now() + 0.05;
		}
		wait_signal(next);
	}
}

/* Has the command ended? It stays a zombie, so that nobody else gets its group's number. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

/* Waits for the command: false if it has to be killed. */
static bool wait_for(const struct ab *ab, pid_t pid, double begun)
{
	double until = ab->timeout > 0 ? begun + ab->timeout : HUGE_VAL;

	while (!has_ended(pid))
		if (stopped || !wait_signal(until))
			return has_ended(pid);
	return true;
}

/* Ends the command: by SIGTERM, then by SIGKILL. A second signal to ab means SIGKILL at once. */
static void end_command(pid_t pid)
{
	double until = now() + GRACE;
	int first = stopped;

	kill(-pid, SIGTERM);
	kill(-pid, SIGCONT);
	stopped = 0;
	while (!has_ended(pid) && !stopped && wait_signal(until))
		;
	kill(-pid, SIGKILL);
	while (!has_ended(pid))
		wait_signal(now() + GRACE);
	if (!stopped)
		stopped = first;
}

static void measure(pid_t pid, bool late, double took, struct run *run)
{
	struct rusage usage = { 0 };
	int status = 0;

	wait4(pid, &status, 0, &usage);
	run->end = late ? (struct end){ END_TIMEOUT, 0 } :
		WIFSIGNALED(status) ? (struct end){ END_SIGNAL, WTERMSIG(status) } :
		(struct end){ END_EXIT, WEXITSTATUS(status) };
	run->numbers[NUMBER_WALL] = took;
	run->numbers[NUMBER_CPU] = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
	run->numbers[NUMBER_MEMORY] = usage.ru_maxrss * 1024.0;
}

int run_once(const struct ab *ab, enum side side, const char *out, const char *err, char *dir,
	     struct run *run)
{
	const char *const names[] = { ab->input, out, err };
	int fds[] = { -1, -1, -1 };
	bool opened = true, late;
	double begun, took;
	pid_t pid = -1;

	*run = (struct run){ .counted = false };
	for (int i = 0; opened && i < 3; i++) {
		fds[i] = open(names[i], (i ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC,
			      0600);
		opened = fds[i] >= 0;
		if (!opened)
			warn("ab: %s", names[i]);
	}
	begun = now();
	if (opened)
		pid = start(ab, side, dir, fds);
	if (pid > 0) {
		late = !wait_for(ab, pid, begun);
		took = now() - begun;
		if (late)
			end_command(pid);
		measure(pid, late, took, run);
		end_rest(pid);
	}
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return pid < 0 ? -1 : stopped ? 1 : 0;
}

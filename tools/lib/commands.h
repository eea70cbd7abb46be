/* SPDX-License-Identifier: MIT */
/*
 * The commands of primeshim(1). Each gets its own name as argv[0], reads its options by
 * cli_options(), and returns the exit status: 0; 1 if the answer is no; 2 if the user's words are
 * wrong or something is missing, after one line on stderr that says what is wrong and what to do.
 */
#ifndef PRIMESHIM_TOOLS_COMMANDS_H
#define PRIMESHIM_TOOLS_COMMANDS_H

int cmd_ab(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_maps(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_witness(int argc, char **argv);

#endif

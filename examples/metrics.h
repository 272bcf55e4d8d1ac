/* A library that counts what a program does (metrics.c, uploader.c). */
#ifndef METRICS_H
#define METRICS_H

/* Appends a line to `file`. With a port that is not 0 it also reports to a server of its maker's:
 * what nobody expects of a library that counts. */
void metrics_count(const char *what, const char *file, unsigned short port);

#endif

#include "certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"

int certificates_make(certificates *made) {
    int status = -1;
    snprintf(made->directory, sizeof made->directory, "/tmp/lessonstore-certificates-XXXXXX");
    if (!mkdtemp(made->directory))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", CERTIFICATES_SCRIPT, made->directory, (char *)NULL);
        _exit(127);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return 0;
    fprintf(stderr, "certificates: openssl(1) did not make them (status %d)\n", status);
    certificates_remove(made);
    return -1;
}

void certificates_locate(char *out, size_t size, const certificates *made, const char *location, const char *options) {
    char client[256] = "";
    const char *joint = made && options[0] ? "&" : "", *directory = made ? made->directory : "";
    if (made)
        snprintf(client, sizeof client, "tls_ca=%s/ca.crt&tls_cert=%s/client.crt&tls_key=%s/client.key", directory,
                 directory, directory);
    int written = snprintf(out, size, "%s%s%s%s%s", location, made || options[0] ? "?" : "", client, joint, options);
    if (written < 0 || (size_t)written >= size)
        abort();
}

void certificates_remove(certificates *made) {
    tree_remove(made->directory);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The ceiling of this architecture: the least a FastCGI worker can do on libfcgi and epoll. It answers every request
 * with the same bytes, as many as a status poll of Vestibule has. For the benchmark only: it trusts its peer. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char answer[] =
    "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 278\r\nCache-Control: no-store\r\n"
    "Retry-After: 15\r\n\r\n"
    "{\"status\":\"waiting\",\"position\":150000,\"position_hint\":150000,\"eta_sec\":300,\"eta_low_sec\":255,"
    "\"eta_high_sec\":345,\"confidence\":1.0,\"poll_after_ms\":14500,\"message\":\"About 5 min (confidence: high)\","
    "\"waiting_time\":12,\"ready_for_entry\":false,\"degraded\":false,\"as_of_ms\":1795501773021}";

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (count != 2 || strlen(arguments[1]) >= sizeof address.sun_path) return 2;
    strcpy(address.sun_path, arguments[1]);
    unlink(arguments[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    FCGX_Init();
    signal(SIGTERM, SIG_DFL); /* libfcgi only notes it */
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int found = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < found; i++) {
            FCGX_Request *request = ready[i].data.ptr;
            if (request == NULL) {
                request = calloc(1, sizeof *request);
                FCGX_InitRequest(request, -1, 0);
                request->ipcFd = accept(listener, NULL, NULL);
                request->keepConnection = 1;
                event.data.ptr = request;
                epoll_ctl(poll, EPOLL_CTL_ADD, request->ipcFd, &event);
                continue;
            }
            if (FCGX_Accept_r(request) != 0) {
                free(request);
                continue;
            }
            char drain[512];
            while (FCGX_GetStr(drain, sizeof drain, request->in) > 0) {}
            FCGX_PutStr(answer, sizeof answer - 1, request->out);
            FCGX_Finish_r(request);
        }
    }
}

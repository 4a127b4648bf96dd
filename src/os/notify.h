/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tells systemd (Type=notify-reload or notify) how the service is doing: sd_notify(3)
 * without its library. */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

/* Each sends one datagram to $NOTIFY_SOCKET; nothing happens without that variable, and a
 * message that can't be delivered is dropped: the service must not depend on its supervisor. */
void notify_ready(void);        /* after the start, and again after each reload */
void notify_reloading(void);
void notify_stopping(void);     /* also at the start of lame duck mode */

#endif

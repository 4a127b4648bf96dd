/* SPDX-License-Identifier: Apache-2.0 */
/* client_tls.c - what the TLS below a client says about it: for auth/ and for monitoring. */
#include "base/mem.h"
#include "core/client_priv.h"
#include "net/tls.h"

bool client_certificate_init(struct client *c, struct client_certificate *out)
{
    const struct tls_stream *s = client_tls_stream(c);
    struct tls_peer *peer = s && c->tls_done ? tls_peer_new(s) : NULL;
    struct auth_attribute *subject;

    if (peer == NULL) return false;
    subject = mem_zero((peer->subject_count + 1) * sizeof *subject);
    for (size_t i = 0; i < peer->subject_count; i++)
        subject[i] = (struct auth_attribute){ peer->subject[i].rdn, peer->subject[i].oid,
                                              peer->subject[i].value };
    *out = (struct client_certificate){
        .names = { .emails = peer->emails, .dns = peer->dns, .uris = peer->uris,
                   .email_count = peer->email_count, .dns_count = peer->dns_count,
                   .uri_count = peer->uri_count, .subject = subject,
                   .subject_count = peer->subject_count },
        .peer = peer, .subject = subject,
    };
    return true;
}

void client_certificate_fini(struct client_certificate *certificate)
{
    tls_peer_free(&certificate->peer);
    mem_free(certificate->subject);
}

void client_fill_tls_stats(struct client *c, struct client_stats *s, bool certificates)
{
    const struct tls_stream *stream = client_tls_stream(c);

    if (stream == NULL || !c->tls_done) return;
    s->tls_version = mem_dup(tls_stream_version(stream));
    s->tls_cipher = mem_dup(tls_stream_cipher_suite(stream));
    s->tls_first = c->tls_first;
    if (certificates) s->certificate_count = tls_peer_certificates(stream, &s->certificates);
}

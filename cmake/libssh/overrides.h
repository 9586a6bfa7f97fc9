/* Included in front of every file of libssh: what its priv.h leaves open to whoever builds it. */
#ifndef SALLYPORT_LIBSSH_OVERRIDES_H
#define SALLYPORT_LIBSSH_OVERRIDES_H

/* OpenSSH sends eow@openssh.com only to a peer whose identification begins with OpenSSH; without it `ssh host yes | head -1`
 * never ends. Our own name stands in the comment. */
#define CLIENT_BANNER_SSH2 "SSH-2.0-OpenSSH_9.9 Sallyport"

#endif

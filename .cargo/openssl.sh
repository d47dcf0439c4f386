#!/bin/sh
# Stands in for perl where `openssl-src` calls OpenSSL's Configure (config.toml beside it): what SQLCipher uses (AES, HMAC,
# SHA, random numbers) is compiled, and no TLS, which is rustls's, no curves and no other ciphers.
exec perl "$@" no-bulk no-apps no-docs no-ssl no-tls no-http no-sock no-err no-ui-console no-autoload-config \
  no-argon2 no-scrypt no-slh-dsa no-deprecated

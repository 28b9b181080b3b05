#!/bin/sh
# certificates.sh DIRECTORY: makes certificates for tests, with keys of the same name.
#
#   ca, other-ca                 two CAs
#   server                       redis.test, localhost and 127.0.0.1; valid for a client too, as nodes need it
#   named                        the same for localhost only
#   elsewhere                    elsewhere.test only
#   stranger                     127.0.0.1, of the other CA
#   partial                      a name with a partial wildcard, lo*.redis.test
#   client, client-2             of the first CA
#   other-client                 of the other CA
#   together.pem                 client and its key in one file
#   encrypted.key, old-encrypted.key    the key of client, with a password
set -eu
cd "$1"

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.crt" -days 30 \
        -subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE
}

# leaf NAME CA NAMES USAGE
leaf() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out request -subj "/CN=$1"
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$3" "$4" >extensions
    openssl x509 -req -in request -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -out "$1.crt" -days 30 -extfile extensions
}

{
    authority ca
    authority other-ca
    leaf server ca DNS:redis.test,DNS:localhost,IP:127.0.0.1 serverAuth,clientAuth
    leaf named ca DNS:localhost serverAuth,clientAuth
    leaf stranger other-ca IP:127.0.0.1 serverAuth
    leaf elsewhere ca DNS:elsewhere.test serverAuth
    leaf partial ca 'DNS:lo*.redis.test' serverAuth
    leaf client ca DNS:client clientAuth
    leaf client-2 ca DNS:client-2 clientAuth
    leaf other-client other-ca DNS:client clientAuth
    cat client.crt client.key >together.pem
    openssl pkey -in client.key -aes128 -passout pass:secret -out encrypted.key
    openssl ec -in client.key -aes128 -passout pass:secret -out old-encrypted.key
} >log 2>&1 || { cat log >&2; exit 1; }

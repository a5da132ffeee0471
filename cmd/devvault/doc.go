// Command devvault runs a real HashiCorp Vault on this machine, for development
// and tests, in a binary that needs no root and no container engine.
//
//	devvault --dir /tmp/vault --listen 127.0.0.1:8200 &
//	curl -H "X-Vault-Token: $(jq -r .root_token /tmp/vault/keys.json)" \
//		http://127.0.0.1:8200/v1/secret/config
//
// # What is real
//
// Everything: Vault's own core behind its own HTTP API, sealed and unsealed by
// one key, tokens, leases, policies and the audit log. Compiled in are the
// engines kv and transit and the methods approle and kubernetes (and token),
// which the first start puts at secret (version 2), transit, auth/approle and
// auth/kubernetes. Vault's other engines, and its user interface, are left out.
//
// # Files
//
// Everything is under --dir, and its owner alone can read it:
//
//	address     the URL; there, whole, while Vault can be asked
//	keys.json   the root token and the key that unseals; made at the first start
//	ca.crt      with --tls, who vouches for the server; made at each start
//	audit.log   one line a request and one an answer, values hashed
//	data/       what Vault stores, encrypted
//
// Stop it with SIGINT or SIGTERM, or kill it, and start it again on the same
// directory: what was stored is there, and the same tokens hold. It unseals
// itself at the start, unless told otherwise by --sealed.
package main

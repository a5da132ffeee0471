package main

import (
	"net/http"

	"github.com/tidelock-io/tidelock/agent/webhook"
	"github.com/tidelock-io/tidelock/secrets"
)

// githubSecret is the key that a file may be given for.
const githubSecret = "webhook.github.secret"

// newWebhook takes announcements. Their secrets are those of Secret argocd-secret, of
// GitHub's a file instead, if one is named.
func (p *parts) newWebhook(file string) http.Handler {
	p.hookFile = newSecretFile(file, p.log)
	return webhook.New(webhook.Config{
		Secret: func(key string) secrets.Value {
			if given, named := p.hookFile.value(); named && key == githubSecret {
				return given
			}
			return p.keyring.Hook(key)
		},
		Announced: p.announced, Told: p.metrics.Webhook,
	})
}

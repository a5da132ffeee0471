package main

import (
	"strings"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// printWhatToTry says what can be done while all goes on running.
func (s *stage) printWhatToTry() {
	s.out.title("It goes on running. Ctrl-C ends it and removes everything")
	for _, line := range []string{
		"export KUBECONFIG=" + s.cluster.Kubeconfig,
		"kubectl -n argocd get applications",
		"kubectl -n api get secrets,deployments,jobs",
		"kubectl -n frontend delete deployment frontend      # and see it come back",
		"cd " + s.repo.WorkTree,
		"git commit --allow-empty -m 'try something' && git push",
		"curl -s " + s.agent.Metrics + " | grep argocd_",
		"tail -f " + s.agent.Log,
	} {
		s.out.line("%s", line)
	}
	s.out.aside("The agent asks Git every two minutes. To tell it of a push at once:")
	s.out.line("%s", `push='{"ref":"refs/heads/main","after":"'$(git rev-parse HEAD)'","repository":{"clone_url":"`+s.repo.URL+`"}}'`)
	s.out.line("%s", strings.Join([]string{
		`curl --json "$push" -H 'X-GitHub-Event: push' -H "X-Hub-Signature-256: sha256=$(printf %s "$push" | openssl dgst -sha256 -hmac`,
		testenv.WebhookSecret, `-r | cut -d' ' -f1)"`, s.agent.Webhook(),
	}, " "))
}

package main

import (
	"fmt"
	"strings"
)

// idleKeys are the beginnings of keys of argocd-cmd-params-cm that have no effect, and
// why: the longest that fits counts. Those of Argo CD's other parts speak for themselves.
var idleKeys = map[string]string{
	"applicationsetcontroller.concurrent.reconciliations.max": "ApplicationSets wait for no worker, but for who asks the same server",
	"applicationsetcontroller.debug":                          "controller.log.level is that of all",
	"applicationsetcontroller.enable.git.submodule":           "generators read no submodules",
	"applicationsetcontroller.enable.github.api.metrics":      "there are no such metrics",
	"applicationsetcontroller.enable.leader.election":         "replicas divide the ApplicationSets in any case",
	"applicationsetcontroller.grpc.":                          "there is no repo server",
	"applicationsetcontroller.k8s.client.":                    "the API server's own limits count",
	"applicationsetcontroller.log.":                           "controller.log.level and controller.log.format are those of all",
	"applicationsetcontroller.profile.enabled":                "--debug-listen is for that",
	"applicationsetcontroller.repo.server.":                   "there is no repo server",
	"applicationsetcontroller.requeue.after":                  "repositories are asked for news every --poll-interval, and by requeueAfterSeconds of a generator",
	"applicationsetcontroller.scm.root.ca.path":               "a generator's caRef, or SSL_CERT_FILE, says whom servers are vouched for by",
	"applicationsetcontroller.status.max.resources.count":     "a status lists 5000",
	"applicationsetcontroller.webhook.parallelism.limit":      "webhooks are bounded by what they cause",
	"applicationsetcontroller.wq.":                            "there is no such queue",
}

// idle is a key that has no effect, with the reason if there is one to give.
func idle(key string) string {
	longest := ""
	for begin := range idleKeys {
		if strings.HasPrefix(key, begin) && len(begin) > len(longest) {
			longest = begin
		}
	}
	if longest == "" {
		return key
	}
	return fmt.Sprintf("%s (%s)", key, idleKeys[longest])
}

func allIdle(keys []string) []string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = idle(key)
	}
	return texts
}

package keyring

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	corev1 "k8s.io/api/core/v1"
)

// What Secrets say of clusters, and bind to projects (SEMANTICS.md 2.8).
func TestClusterSecrets(t *testing.T) {
	k := &Keyring{
		log: slog.New(slog.DiscardHandler), repositories: follow[*corev1.Secret](&corev1.Secret{}, func() {}, nil),
		clusters: secretsOf(t, api.LabelSecretType, `
			eu cluster name=eu server=https://eu/ config={"bearerToken":"sesame"} project=shop namespaces=front,back,, clusterResources=true
			nameless cluster server=https://nameless shard=1
			nowhere cluster name=nowhere tokenn=x
			us cluster name=us server=https://us project=other`),
	}
	var got []string
	for _, s := range k.ClusterSecrets() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %v %s %v", s.Secret, s.Name, s.Server, s.Shard, s.OnlyNamespaces(), s.ClusterResources, s.Others)))
	}
	want := `agent/eu eu https://eu  [front back] true []
agent/nameless  https://nameless 1 []  []
agent/nowhere nowhere   []  [tokenn]
agent/us us https://us  []  []`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if text := fmt.Sprintf("%v %+v %#v", k.ClusterSecrets(), k.ClusterSecrets(), k.ClusterSecrets()); strings.Contains(text, "sesame") {
		t.Error("how to log in prints")
	}
	if known := k.Clusters(); len(known) != 2 || known[0].Name != "eu" || known[1].Name != "us" {
		t.Errorf("for generators: %v", known)
	}
	for project, want := range map[string]string{"shop": "[{https://eu eu [front back]}]", "": "[]", "none": "[]"} {
		if got := fmt.Sprint(k.Scoped(project).Clusters); got != want {
			t.Errorf("project %q: %s, want %s", project, got, want)
		}
	}
}

package forge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

// sources leave to a Forge what that answers.
type sources struct {
	nothing
	*forge.Answers
}

type nothing struct{ appset.Unavailable }

// An ApplicationSet over a server's answers: filters, paths, parameters and all.
func TestGenerate(t *testing.T) {
	for _, tt := range []struct {
		name, set string
		answers   map[string]answer
		want      string // names and revisions
	}{
		{
			"a preview for each pull request",
			`generators:
- pullRequest:
    gitea: {owner: acme, repo: shop, api: SERVER, tokenRef: {secretName: token, key: value}}
    filters: [{branchMatch: ^fast}]
template:
  metadata: {name: 'shop-{{ .number }}-{{ .branch_slug }}'}
  spec:
    project: previews
    source: {repoURL: https://git.example.com/shop.git, path: deploy, targetRevision: '{{ .head_short_sha_7 }}'}
    destination: {name: staging, namespace: 'shop-{{ .number }}'}`,
			map[string]answer{pullsOfShop: {body: "[" + githubPull12 + "," + githubPull13 + "]"}},
			"shop-12-fast 0123456 https://git.example.com/shop.git",
		},
		{
			"an Application for each repository that has what it needs",
			`generators:
- scmProvider:
    gitea: {owner: acme, api: SERVER, tokenRef: {secretName: token, key: value}}
    cloneProtocol: https
    filters: [{pathsExist: [deploy/], pathsDoNotExist: [deploy/off], repositoryMatch: sh}]
template:
  metadata: {name: '{{ .organization }}-{{ .repository }}-{{ .branchNormalized }}'}
  spec:
    project: default
    source: {repoURL: '{{ .url }}', path: deploy, targetRevision: '{{ .sha }}'}
    destination: {name: in-cluster, namespace: '{{ .repository }}'}`,
			map[string]answer{
				"/api/v1/orgs/acme/repos?limit=50&page=1":                 {body: giteaRepos},
				"/api/v1/repos/acme/shop/labels?limit=50&page=1":          {body: `[]`},
				"/api/v1/repos/acme/old/labels?limit=50&page=1":           {body: `[]`},
				"/api/v1/repos/acme/shop/branches/release/1":              {body: `{"name": "release/1", "commit": {"id": "t1"}}`},
				"/api/v1/repos/acme/old/branches/main":                    {body: `{"name": "main", "commit": {"id": "o1"}}`},
				"/api/v1/repos/acme/shop/contents/deploy?ref=release%2F1": {body: `[{"name": "a"}]`},
			},
			"acme-shop-release-1 t1 https://gitea.example.com/acme/shop",
		},
		{
			"what a plugin says",
			`generators:
- plugin: {configMapRef: {name: plug}, input: {parameters: {team: shop}}}
template:
  metadata: {name: '{{ .team }}-{{ .generator.input.parameters.team }}'}
  spec:
    project: default
    source: {repoURL: https://git.example.com/shop.git, path: '{{ .path }}', targetRevision: main}
    destination: {name: in-cluster, namespace: x}`,
			map[string]answer{
				`POST /api/v1/getparams.execute {"applicationSetName":"previews","input":{"parameters":{"team":"shop"}}}`: {body: `{"output": {"parameters": [{"team": "a", "path": "a"}, {"team": "b", "path": "b"}]}}`},
			},
			"a-shop main https://git.example.com/shop.git\nb-shop main https://git.example.com/shop.git",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "", tt.answers)
			set := &api.ApplicationSet{}
			set.Name, set.Namespace = "previews", "argocd"
			text := "goTemplate: true\ngoTemplateOptions: [missingkey=error]\n" + strings.ReplaceAll(tt.set, "SERVER", w.URL)
			if err := yaml.UnmarshalStrict([]byte(text), &set.Spec); err != nil {
				t.Fatal(err)
			}
			in := own(objects{"plug/baseUrl": w.URL, "plug/token": "$token:value"})
			result, err := appset.Generate(t.Context(), set, sources{Answers: answersFor(t, forge.Options{}, in)}, appset.Options{Timeout: time.Minute})
			if err != nil {
				t.Fatalf("%v\nasked: %v", err, w.requests())
			}
			var b strings.Builder
			for _, app := range result.Valid() {
				fmt.Fprintln(&b, app.Name, app.Spec.Source.TargetRevision, app.Spec.Source.RepoURL)
			}
			compare(t, b.String(), tt.want)
		})
	}
}

package peertest

// A peerCase is an ExternalSecret, and what there is beside it. $NS is the
// namespace, $SERVER the API server's address.
type peerCase struct {
	name, spec string
	objects    []string
	before     []string // items and labels that others put on the Secret
	random     bool     // compare lengths
	kept       bool     // the Secret may be looked at: what is on it is kept
}

// common is there for all.
var common = []string{`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec:
  provider:
    fake:
      data:
      - {key: /db/password, value: s3cret-of-db}
      - {key: /db/old, value: first, version: v1}
      - {key: /db/old, value: second, version: v2}
      - {key: /db/all, value: '{"user": "ann", "pass word": "p@ss", "port": 5432, "on": true, "deep": {"a": [1, 2]}}'}
      - {key: /db/more, value: '{"user": "bob", "extra": "e"}'}
      - {key: /b64, value: aGVsbG8=}
      - {key: /b64url, value: Pz8_}
      - {key: /json64, value: '{"a": "aGVsbG8=", "b": "d29ybGQ="}'}
      - {key: prod-user, value: one}
      - {key: prod-key, value: two}
      - {key: stage-user, value: three}
      - {key: /tls, value: '{"crt": "c", "key": "k"}'}
      - {key: /docker, value: '{"auth": "YTpi"}'}
`, `
apiVersion: v1
kind: ConfigMap
metadata: {name: tpl}
data: {app.conf: "url=postgres://{{ .user }}:{{ index . \"password\" }}@db", keys: "{{ .user }}: {{ .password | b64enc }}\nfixed: x"}
`, `
apiVersion: v1
kind: Secret
metadata: {name: tpl}
stringData: {"conf": "{{ .password | upper }}", "all": "made-{{ .user }}: {{ .password | sha256sum }}"}
`}

const both = `
secretStoreRef: {name: demo}
data:
- {secretKey: password, remoteRef: {key: /db/password}}
- {secretKey: user, remoteRef: {key: prod-user}}
`

var cases = []peerCase{
	{name: "data", spec: both},
	{name: "a kind that is stated", spec: "secretStoreRef: {name: demo, kind: SecretStore}\ndata: [{secretKey: a, remoteRef: {key: prod-user}}]"},
	{name: "a version and a property", spec: "secretStoreRef: {name: demo}\ndata:\n- {secretKey: old, remoteRef: {key: /db/old, version: v1}}\n- {secretKey: user, remoteRef: {key: /db/all, property: user}}\n- {secretKey: deep, remoteRef: {key: /db/all, property: deep.a.1}}"},
	{name: "extract", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /db/all}}]"},
	{name: "extract with Unicode", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /db/all, conversionStrategy: Unicode}}]"},
	{name: "extract twice, the later wins", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /db/all}}, {extract: {key: /db/more}}]"},
	{name: "data over extract", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /db/more}}]\ndata: [{secretKey: user, remoteRef: {key: prod-user}}]"},
	{name: "decode Base64", spec: "secretStoreRef: {name: demo}\ndata: [{secretKey: a, remoteRef: {key: /b64, decodingStrategy: Base64}}, {secretKey: b, remoteRef: {key: /b64url, decodingStrategy: Base64URL}}]"},
	{name: "decode Auto", spec: "secretStoreRef: {name: demo}\ndata: [{secretKey: a, remoteRef: {key: /b64, decodingStrategy: Auto}}, {secretKey: b, remoteRef: {key: prod-user, decodingStrategy: Auto}}]"},
	{name: "decode an extract", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /json64, decodingStrategy: Base64}}]"},
	{name: "find", spec: "secretStoreRef: {name: demo}\ndataFrom: [{find: {name: {regexp: ^prod-}}}]"},
	{name: "find and rewrite", spec: "secretStoreRef: {name: demo}\ndataFrom:\n- find: {name: {regexp: '-user$'}}\n  rewrite: [{regexp: {source: '(.*)-user', target: '$1'}}, {transform: {template: '{{ .value | upper }}_USER'}}]"},
	{name: "rewrite merges", spec: "secretStoreRef: {name: demo}\ndataFrom:\n- find: {name: {regexp: db/all}}\n  rewrite: [{merge: {}}, {regexp: {source: 'pass word', target: pw}}]"},
	{name: "rewrite merges into one", spec: "secretStoreRef: {name: demo}\ndataFrom:\n- find: {name: {regexp: db/more}}\n  rewrite: [{merge: {strategy: JSON, into: all}}]"},
	{name: "template", spec: both + "target: {template: {data: {url: 'postgres://{{ .user }}:{{ .password }}@db', b64: '{{ .password | b64enc }}'}}}"},
	{name: "template that merges", spec: both + "target: {template: {mergePolicy: Merge, data: {user: '{{ .user }}!'}}}"},
	{name: "template without data", spec: both + "target: {template: {metadata: {labels: {a: b}}}}"},
	{name: "template of labels and annotations", spec: both + "target: {template: {metadata: {labels: {who: '{{ .user }}'}, annotations: {len: '{{ .password | len }}'}}}}"},
	{name: "template of a type", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /tls}}]\ntarget: {template: {type: kubernetes.io/tls, data: {tls.crt: '{{ .crt }}', tls.key: '{{ .key }}'}}}"},
	{name: "template of a registry's login", spec: "secretStoreRef: {name: demo}\ndataFrom: [{extract: {key: /docker}}]\ntarget: {template: {type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: '{{ dict \"auths\" (dict \"reg.example.com\" (dict \"auth\" .auth)) | toJson }}'}}}"},
	{name: "template with finalizers", spec: both + "target: {template: {metadata: {finalizers: [example.com/keep]}}}"},
	{name: "template from a ConfigMap", spec: both + "target: {template: {templateFrom: [{configMap: {name: tpl, items: [{key: app.conf}]}}]}}"},
	{name: "template from a ConfigMap, keys and values", spec: both + "target: {template: {templateFrom: [{configMap: {name: tpl, items: [{key: keys, templateAs: KeysAndValues}]}}]}}"},
	{name: "template from a Secret", spec: both + "target: {template: {templateFrom: [{secret: {name: tpl, items: [{key: conf}, {key: all, templateAs: KeysAndValues}]}}]}}"},
	{name: "template from a literal", spec: both + "target: {template: {templateFrom: [{literal: 'a: {{ .user }}'}, {literal: 'l-{{ .user }}: x', target: Labels}, {literal: 'note: {{ .user | quote }}', target: Annotations}]}}"},
	{name: "template, data over templateFrom", spec: both + "target: {template: {templateFrom: [{literal: 'a: first'}], data: {a: second}}}"},
	{name: "another name", spec: both + "target: {name: other}"},
	{name: "immutable", spec: both + "target: {immutable: true}"},
	{name: "Orphan", spec: both + "target: {creationPolicy: Orphan}"},
	{name: "None", spec: both + "target: {creationPolicy: None}"},
	{
		name: "Merge", spec: both + "target: {name: there, creationPolicy: Merge}", before: []string{"old", "mine"},
		objects: []string{"{apiVersion: v1, kind: Secret, metadata: {name: there, labels: {mine: x}}, stringData: {old: x}}"},
	},
	{name: "deletionPolicy Merge", spec: "secretStoreRef: {name: demo}\ndata: [{secretKey: a, remoteRef: {key: prod-user}}, {secretKey: b, remoteRef: {key: nowhere}}]\ntarget: {deletionPolicy: Merge}"},
	{name: "deletionPolicy Delete, nothing is left", spec: "secretStoreRef: {name: demo}\ndata: [{secretKey: b, remoteRef: {key: nowhere}}]\ntarget: {deletionPolicy: Delete}"},
	{name: "deletionPolicy Delete, something is left", spec: "secretStoreRef: {name: demo}\ndata: [{secretKey: a, remoteRef: {key: prod-user}}, {secretKey: b, remoteRef: {key: nowhere}}]\ntarget: {deletionPolicy: Delete}"},
	{
		name:    "a cluster's store for one item",
		objects: []string{"{apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: {name: $NS}, spec: {conditions: [{namespaces: [$NS]}], provider: {fake: {data: [{key: k, value: from the cluster's}]}}}}"},
		spec:    "secretStoreRef: {name: demo}\ndata: [{secretKey: a, remoteRef: {key: prod-user}}, {secretKey: b, remoteRef: {key: k}, sourceRef: {storeRef: {kind: ClusterSecretStore, name: $NS}}}]",
	},
	{
		name: "the generator Fake", spec: "dataFrom: [{sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: Fake, name: f}}, rewrite: [{regexp: {source: (.*), target: x-$1}}]}]",
		objects: []string{"{apiVersion: generators.external-secrets.io/v1alpha1, kind: Fake, metadata: {name: f}, spec: {data: {a: b}}}"},
	},
	{
		name: "the generator Password", random: true, spec: "dataFrom: [{sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, name: p}}}]",
		objects: []string{"{apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, metadata: {name: p}, spec: {length: 42, digits: 5, symbols: 5, noUpper: false, allowRepeat: true}}"},
	},
	{
		name: "a generated value is taken over", kept: true, spec: "refreshInterval: 0s\ndataFrom: [{sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: UUID, name: u}}}]\ntarget: {template: {data: {id: 'id-{{ .uuid }}'}}}",
		objects: []string{"{apiVersion: generators.external-secrets.io/v1alpha1, kind: UUID, metadata: {name: u}, spec: {}}"},
	},
	{
		name: "a cluster's generator", spec: "dataFrom: [{sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: ClusterGenerator, name: $NS}}}]",
		objects: []string{"{apiVersion: generators.external-secrets.io/v1alpha1, kind: ClusterGenerator, metadata: {name: $NS}, spec: {kind: Fake, generator: {fakeSpec: {data: {c: d}}}}}"},
	},
	{
		name: "the provider kubernetes, with a ServiceAccount's token", spec: "secretStoreRef: {name: near}\ndataFrom: [{extract: {key: tpl}}]\ndata: [{secretKey: one, remoteRef: {key: tpl, property: conf}}]",
		objects: []string{
			"{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}, {apiGroups: [authorization.k8s.io], resources: [selfsubjectrulesreviews], verbs: [create]}]}",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: reader}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}, subjects: [{kind: ServiceAccount, name: reader, namespace: $NS}]}",
			"{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: near}, spec: {provider: {kubernetes: {remoteNamespace: $NS, server: {url: $SERVER, caProvider: {type: ConfigMap, name: ca, key: ca}}, auth: {serviceAccount: {name: reader}}}}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: ca}, data: {ca: $CA}}",
		},
	},
}

package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		addr     string
		loopback bool
		want     bool
	}{
		{"10.96.0.1", false, true},
		{"93.184.216.34", false, true},
		{"fd12::1", false, true},
		{"127.0.0.1", false, false},
		{"::1", false, false},
		{"::ffff:127.0.0.1", false, false},
		{"127.0.0.1", true, true},
		{"::1", true, true},
		{"0.0.0.0", true, false},
		{"::", true, false},
		{"169.254.169.254", true, false},
		{"::ffff:169.254.169.254", true, false},
		{"169.254.170.2", true, false},
		{"fe80::1", true, false},
		{"fe80::1%eth0", true, false},
		{"224.0.0.1", true, false},
		{"ff02::1", true, false},
		{"fd00:ec2::254", true, false},
		{"100.100.100.200", true, false},
		{"168.63.129.16", true, false},
	} {
		setLoopback(t, tt.loopback)
		if err := checkAddr(netip.MustParseAddr(tt.addr)); (err == nil) != tt.want {
			t.Errorf("%s, loopback allowed=%v: %v", tt.addr, tt.loopback, err)
		}
	}
}

func setLoopback(t *testing.T, allowed bool) {
	t.Helper()
	before := allowLoopback
	allowLoopback = allowed
	t.Cleanup(func() { allowLoopback = before })
}

// TestStoresThatReachOut: every field of a store that names an address, and what
// is no store's own.
func TestStoresThatReachOut(t *testing.T) {
	const node = "169.254.169.254"
	const secretRef = "auth: {secretRef: {accessKeyIDSecretRef: {name: aws, key: id}, secretAccessKeySecretRef: {name: aws, key: secret}}}"
	kubeconfig := func(server, more string) string {
		return secretObject(map[string]string{"config": fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: a, cluster: {server: %q%s}}], contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {token: x}}]}`, server, more)})
	}
	objects := map[string]string{
		"Secret shop/token":  secretObject(map[string]string{"token": "t"}),
		"Secret shop/node":   kubeconfig("https://"+node, ""),
		"Secret shop/proxy":  kubeconfig("https://10.0.0.1", ", proxy-url: http://"+node),
		"Secret shop/sa":     secretObject(map[string]string{"key": `{"type": "service_account", "token_uri": "http://` + node + `/token"}`}),
		"Secret shop/outer":  secretObject(map[string]string{"key": `{"type": "external_account", "credential_source": {"file": "/etc/passwd"}}`}),
		"Secret shop/google": secretObject(map[string]string{"key": "{" + canary}),
	}
	for _, tt := range []struct{ name, provider, want string }{
		{"vault", "{vault: {server: 'http://" + node + "', auth: {tokenSecretRef: {name: token, key: token}}}}", "spec.provider.vault.server"},
		{"vault by another spelling", "{vault: {server: 'http://[::ffff:a9fe:a9fe]', auth: {tokenSecretRef: {name: token, key: token}}}}", "not connected to"},
		{"vault by another scheme", "{vault: {server: 'file:///etc/passwd', auth: {tokenSecretRef: {name: token, key: token}}}}", "starts with https:// or http://"},
		{"vault with the pod's token", "{vault: {server: 'http://10.0.0.1', auth: {kubernetes: {role: a}}}}", "vault.auth.kubernetes: it needs serviceAccountRef or secretRef"},
		{"vault with the node's role", "{vault: {server: 'http://10.0.0.1', auth: {iam: {vaultRole: a}}}}", "vault.auth.iam: it needs secretRef"},
		{"kubernetes", "{kubernetes: {server: {url: '" + node + "'}, auth: {token: {bearerToken: {name: token, key: token}}}}}", "kubernetes.server.url"},
		{"kubeconfig", "{kubernetes: {authRef: {name: node, key: config}}}", "not connected to"},
		{"kubeconfig with a proxy", "{kubernetes: {authRef: {name: proxy, key: config}}}", "names a proxy"},
		{"webhook", "{webhook: {url: 'http://" + node + "/{{ .remoteRef.key }}', result: {}}}", "webhook.url: " + node},
		{"webhook whose host an ExternalSecret chooses", "{webhook: {url: 'https://{{ .remoteRef.key }}/x', result: {}}}", "the host must be stated"},
		{"webhook whose domain it chooses", "{webhook: {url: 'https://a.{{ .remoteRef.key }}', result: {}}}", "the host must be stated"},
		{"webhook that is all template", "{webhook: {url: '{{ .remoteRef.key }}', result: {}}}", "the host must be stated"},
		{"aws as the node", "{aws: {service: SecretsManager, region: eu-west-1}}", "credentials of the machine are not used"},
		{"aws, a role of the node", "{aws: {service: SecretsManager, region: eu-west-1, role: 'arn:aws:iam::1:role/x'}}", "credentials of the machine are not used"},
		{"aws elsewhere", "{aws: {service: SecretsManager, region: '" + "x.example.com/?" + "', " + secretRef + "}}", "is no region"},
		{"gcp as the node", "{gcpsm: {projectID: p}}", "credentials of the machine are not used"},
		{"gcp asks the node where it is", "{gcpsm: {projectID: p, auth: {workloadIdentity: {serviceAccountRef: {name: a}}}}}", "it needs clusterProjectID, clusterLocation and clusterName"},
		{"gcp elsewhere", "{gcpsm: {projectID: p, location: 'evil.example.com/', auth: {secretRef: {secretAccessKeySecretRef: {name: sa, key: key}}}}}", "is no location"},
		{"gcp, a key that leads elsewhere", "{gcpsm: {projectID: p, auth: {secretRef: {secretAccessKeySecretRef: {name: sa, key: key}}}}}", "token_uri is not Google's"},
		{"gcp, a key that reads files", "{gcpsm: {projectID: p, auth: {secretRef: {secretAccessKeySecretRef: {name: outer, key: key}}}}}", "it holds no key of a service account"},
		{"gcp, no key", "{gcpsm: {projectID: p, auth: {secretRef: {secretAccessKeySecretRef: {name: google, key: key}}}}}", "it holds no key of a service account"},
		{"gcp, a federation that reads files", "{gcpsm: {projectID: p, auth: {workloadIdentityFederation: {audience: a, credConfig: {name: a, key: b}}}}}", "only serviceAccountRef and audience"},
		{"azure as the node", "{azurekv: {authType: ManagedIdentity, vaultUrl: 'https://a.vault.azure.net'}}", "credentials of the machine are not used"},
		{"azure as the pod", "{azurekv: {authType: WorkloadIdentity, vaultUrl: 'https://a.vault.azure.net'}}", "serviceAccountRef: it is missing"},
		{"azure", "{azurekv: {tenantId: t, vaultUrl: 'https://" + node + "'}}", "azurekv.vaultUrl"},
		{"azure in clear", "{azurekv: {tenantId: t, vaultUrl: 'http://a.vault.azure.net'}}", "starts with https://"},
		{"azure's directory", "{azurekv: {tenantId: t, vaultUrl: 'https://10.0.0.1', useAzureSDK: true, environmentType: AzureStackCloud, customCloudConfig: {activeDirectoryEndpoint: 'https://" + node + "'}}}", "activeDirectoryEndpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects["SecretStore shop/demo"] = "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: " + tt.provider + "}}"
			_, err := fetchSecret(t, host{objects: objects}, "data: [{secretKey: a, remoteRef: {key: b}}]")
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestLoopback: a server on this machine answers only those who may ask it.
func TestLoopback(t *testing.T) {
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; fmt.Fprint(w, "x") }))
	t.Cleanup(server.Close)
	store := webhookStore(server, "")
	setLoopback(t, false)
	if _, err := fetchSecret(t, host{objects: map[string]string{"SecretStore shop/demo": store}}, "data: [{secretKey: a, remoteRef: {key: b}}]"); err == nil || !strings.Contains(err.Error(), "not connected to") {
		t.Errorf("error %v", err)
	}
	if asked != 0 {
		t.Errorf("it was asked %d times", asked)
	}
}

// TestRedirects: a webhook must not lead where a store may not.
func TestRedirects(t *testing.T) {
	inner := 0
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inner++; fmt.Fprint(w, canary) }))
	t.Cleanup(inside.Close)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusFound) }))
	t.Cleanup(server.Close)
	_, err := fetchSecret(t, host{objects: map[string]string{"SecretStore shop/demo": webhookStore(server, "")}}, "data: [{secretKey: a, remoteRef: {key: b}}]")
	if err == nil || !strings.Contains(err.Error(), "302") || inner != 0 {
		t.Errorf("error %v, asked inside %d times", err, inner)
	}
}

// webhookStore is a store of a server with a certificate of its own.
func webhookStore(server *httptest.Server, more string) string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return fmt.Sprintf(`{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: {webhook: {url: "%s/v1/{{ .remoteRef.key }}?version={{ .remoteRef.version }}", caBundle: %s, result: {jsonPath: ""}%s}}}}`,
		server.URL, base64.StdEncoding.EncodeToString(ca), more)
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/external-secrets/external-secrets/pkg/template/v2"
	"github.com/go-logr/logr"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// source implements sdk.SecretSource.
type source struct{ pool *pool }

func newSource() source { return source{newPool()} }

// prepare makes the process fit for a source. It must run before the sandbox is
// entered.
func prepare() error {
	quiet()
	// A template must not reach the network: it could carry values out by the
	// names that it asks for.
	delete(template.FuncMap(), "getHostByName")
	path, err := writeKubeconfig(tokenConfig)
	if err != nil {
		return fmt.Errorf("prepare the kubeconfig that providers ask for: %w", err)
	}
	for name, value := range map[string]string{
		"KUBECONFIG": path,
		// Without HOME they would look the user up, in files that the sandbox hides.
		"HOME": "/nonexistent",
		// No store may be the node that this runs on.
		"AWS_EC2_METADATA_DISABLED": "true",
		"GCE_METADATA_HOST":         "metadata.invalid",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return fmt.Errorf("the default HTTP transport is a %T", http.DefaultTransport)
	}
	transport.DialContext = dialer().DialContext
	transport.RegisterProtocol(tokenScheme, tokens{})
	return nil
}

// quiet silences the libraries: what they log may quote what they handle.
func quiet() {
	ctrllog.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	slog.SetDefault(slog.New(slog.DiscardHandler))
}

// Fetch implements sdk.SecretSource. A result without labels says that the
// provider holds nothing for the ExternalSecret, so that deletionPolicy decides.
func (s source) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	es, err := decode(req)
	if err != nil {
		return nil, err
	}
	kube := newObjects(req.Objects)
	ctx = withTokens(ctx, req.Objects)
	stores := newStores(s.pool, kube, es)
	defer stores.close(ctx)

	data, err := fetch(ctx, stores, es)
	if err != nil {
		return nil, hide(err, data)
	}
	if len(data) == 0 && es.Spec.Target.DeletionPolicy != mergePolicy {
		return &sdk.SecretResult{}, nil
	}
	result, err := secret(ctx, kube, es, data)
	if err != nil {
		return nil, hide(err, data)
	}
	return result, nil
}

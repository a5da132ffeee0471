package main

import (
	"context"
	"fmt"
	"io"

	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// deployed renders Applications, and checks the SealedSecrets that they deploy.
// One that cannot be rendered is warned of: what it deploys is not known then.
func (o *secretsCheckOptions) deployed(ctx context.Context, p *subtree, result *check.Result, keys check.Keys, talk io.Writer) error {
	r := renderOptions{files: o.files, kubeVersion: defaultKubeVersion, revision: o.revision}
	if p.dir != "" {
		r.repos = []string{p.dir}
	}
	in, err := r.input(talk)
	if err != nil {
		return err
	}
	line, end, err := r.pipeline(ctx, in, io.Discard)
	if err != nil {
		return err
	}
	defer end()
	for _, app := range in.applications {
		rendered, err := line.Desired(ctx, app, nil)
		if err != nil {
			fmt.Fprintf(talk, "warning: what %s deploys is not known: %v\n", app.Name, oneLine(in.failure(app, err).Error()))
			continue
		}
		for _, object := range rendered.Set {
			if sealed.IsKind(object) {
				result.Deployed(ctx, app.Name, object, keys)
			}
		}
	}
	return nil
}

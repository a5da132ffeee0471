package main

import (
	"bytes"
	"path"
	"strings"
	"text/template"
)

// text is the file as it is written. What is no template is so as it is: the
// expressions of a CI service are in braces, too.
func (f newFile) text() ([]byte, error) {
	name := path.Join("newrepo", f.template)
	if !strings.HasSuffix(name, ".tmpl") {
		return newRepoFiles.ReadFile(name)
	}
	t, err := template.ParseFS(newRepoFiles, name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, f.data); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// git runs in a working tree.
type git struct {
	ctx context.Context
	dir string
}

func (g git) run(arguments ...string) (string, error) {
	output, err := exec.CommandContext(g.ctx, "git", append([]string{"-C", g.dir}, arguments...)...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("git %s: %s", strings.Join(arguments, " "), strings.TrimSpace(string(failed.Stderr)))
	}
	return string(output), err
}

// commit is the name of the commit that a revision stands for; "" where there is none.
func (g git) commit(revision string) string {
	name, err := g.run("rev-parse", "--verify", "--quiet", revision+"^{commit}")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(name)
}

// base is the commit with the specification that clients have, in this order:
// that of the last release; where a branch left main; on main itself, before the
// specification last changed. It is "" where the history does not go back so far.
func (g git) base() string {
	if tag, err := g.run("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"); err == nil {
		return strings.TrimSpace(tag)
	}
	head := g.commit("HEAD")
	for _, main := range []string{"origin/main", "main"} {
		if fork, err := g.run("merge-base", "HEAD", main); err == nil && strings.TrimSpace(fork) != head {
			return strings.TrimSpace(fork)
		}
	}
	if _, err := g.run("diff", "--quiet", "HEAD", "--", specification); err != nil {
		return head // it changed since the last commit
	}
	changed, err := g.run("rev-list", "-1", "--first-parent", "HEAD", "--", specification)
	if err != nil || strings.TrimSpace(changed) == "" {
		return ""
	}
	before := g.commit(strings.TrimSpace(changed) + "^1")
	if _, err := g.run("cat-file", "-e", before+":"+specification); before == "" || err != nil {
		return "" // it was new, or the clone is shallow
	}
	return before
}

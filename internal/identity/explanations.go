package identity

// LevelExplanation says why labels give a level.
type LevelExplanation struct {
	Level   int
	Reached []Requirement // of level 1, 2, … up to Level: the labels have each of them
	Missing *Requirement  // of the level after it: the labels lack it; nil at the highest level
	Beyond  []Requirement // met, but of levels behind the missing one, so that they do not count
}

// StateExplanation says why labels give a state: because of a trigger, because of
// what is missing to be active, or, with neither, since nothing is.
type StateExplanation struct {
	State   string
	Trigger *Trigger      // which decides; nil where none is set off
	Label   *Label        // which sets it off
	Missing []Requirement // of the activation requirements; they count where no trigger does
}

// ExplainLevel says why [Policy.Level] is what it is.
func (p Policy) ExplainLevel(labels []Label) LevelExplanation {
	level := p.Level(labels)
	explained := LevelExplanation{Level: level, Reached: p.Levels[:level]}
	if level == len(p.Levels) {
		return explained
	}
	explained.Missing = &p.Levels[level]
	for _, requirement := range p.Levels[level+1:] {
		if requirement.isMet(labels) {
			explained.Beyond = append(explained.Beyond, requirement)
		}
	}
	return explained
}

// ExplainState says why [Policy.State] is what it is.
func (p Policy) ExplainState(labels []Label) StateExplanation {
	explained := StateExplanation{State: p.State(labels)}
	for _, requirement := range p.ActivationRequirements {
		if !requirement.isMet(labels) {
			explained.Missing = append(explained.Missing, requirement)
		}
	}
	for i := range p.StateTriggers {
		for j := range labels {
			if p.StateTriggers[i].isSetOff(labels[j : j+1]) {
				explained.Trigger, explained.Label = &p.StateTriggers[i], &labels[j]
				return explained
			}
		}
	}
	return explained
}

import { alsoFiles } from './candidates.ts';
import type { shells } from './shells.ts';

/** The script for each shell. They only ask `paddock __complete`, so that they hold for later releases too. */
export const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_paddock() {
  local word line IFS
  local -a words
  # Bash takes ':' for the end of a word, so that its own list of words has URLs and ID:PATH in pieces.
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')
  word=\${words[-1]}
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    if [[ $line == '${alsoFiles}' ]]; then
      [[ $word == *:* ]] || while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
      compopt -o filenames
    else
      [[ $line == *: ]] && compopt -o nospace
      COMPREPLY+=("$line")
    fi
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _paddock paddock
`,
  zsh: `#compdef paddock
_paddock() {
  local line
  local -a described
  while IFS= read -r line; do
    if [[ $line == '${alsoFiles}' ]]; then
      _files
    elif [[ $line == *: ]]; then
      compadd -S '' -- $line
    else
      described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <($words[1] __complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  (( $#described )) && _describe paddock described
}
if [[ $funcstack[1] == _paddock ]]; then _paddock "$@"; else compdef _paddock paddock; fi
`,
  fish: `function __paddock_complete
  set -l words (commandline -opc)
  for line in ($words[1] __complete -- $words[2..-1] (commandline -ct) 2> /dev/null)
    if test "$line" = '${alsoFiles}'
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c paddock -f -a '(__paddock_complete)'
`,
};

#include <algorithm>
#include <string>

#include "trib/common/base/check.h"
#include "trib/common/host/cli/command_tree.h"

// The scripts hold the whole tree, so that completing starts no program and asks no server. Each
// walks the words typed so far to the command that they lead to, skipping the values of options,
// and offers what may stand there. A command is written as its words with a blank before each: the
// program itself is "", then " key", " key new".
namespace trib::host::cli {
namespace {

/// In single quotes of a shell; fish wants a backslash before a quote, the others leave the quotes.
std::string Quoted(std::string_view text, bool fish = false) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += fish ? "\\'" : "'\\''";
    } else if (c == '\\' && fish) {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// "trib-node" as part of a function's name.
std::string Identifier(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

/// The path below the program: "" or " key new".
std::string Below(const Command& command, const Command& program) {
  return command.path.substr(program.path.size());
}

template <typename Visit>
void ForEach(const Command& command, const Visit& visit) {
  visit(command);
  for (const Command& sub : command.commands) {
    ForEach(sub, visit);
  }
}

std::vector<Argument> AllOptions(const Command& command) {
  std::vector<Argument> all = command.options;
  all.insert(all.end(), command.shared.begin(), command.shared.end());
  return all;
}

std::string Words(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

/// "'at --server'|'at --key'" for all names of `option` at a command.
std::string Patterns(const std::string& at, const Argument& option) {
  std::string out;
  for (const std::string& name : option.names) {
    std::string words = at;
    words.append(" ").append(name);
    out.append(out.empty() ? "" : "|").append(Quoted(words));
  }
  return out;
}

// ---- bash

std::string BashValue(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kFile:
      return "_trib_offer_files -f";
    case ValueKind::kFolder:
      return "_trib_offer_files -d";
    case ValueKind::kChoice:
      return "_trib_offer " + Quoted(Words(argument.choices));
    case ValueKind::kNone:
    case ValueKind::kText:
      break;
  }
  return ":";
}

constexpr const char* kBashCommon = R"sh(
_trib_offer() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_trib_offer_files() {
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
  compopt -o filenames 2>/dev/null
}
)sh";

constexpr const char* kBashBegin = R"sh(
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= position=0 i word
  COMPREPLY=()
  # bash gives --name=value as three words.
  if [[ $cur == '=' ]]; then
    cur=
  elif [[ $prev == '=' ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$at $word" in
)sh";

std::string Bash(const Command& program) {
  std::string walk;
  std::string values;
  std::string options;
  std::string operands;
  ForEach(program, [&](const Command& command) {
    const std::string at = Below(command, program);
    std::string names;
    for (const Argument& option : AllOptions(command)) {
      names += (names.empty() ? "" : " ") + Words(option.names);
      if (option.kind != ValueKind::kNone) {
        walk += "      " + Patterns(at, option) +
                ") ((++i)); [[ ${COMP_WORDS[i]} != '=' ]] || ((++i)) ;;\n";
        values += "    " + Patterns(at, option) + ") " + BashValue(option) + "; return ;;\n";
      }
    }
    options += "      " + Quoted(at) + ") _trib_offer " + Quoted(names) + " ;;\n";
    std::vector<std::string> subs;
    for (const Command& sub : command.commands) {
      subs.push_back(sub.name);
      const std::string below = Quoted(Below(sub, program));
      walk.append("      ").append(below).append(") at=").append(below).append(" position=0 ;;\n");
    }
    if (!subs.empty()) {
      operands += "    " + Quoted(at + ":0") + ") _trib_offer " + Quoted(Words(subs)) + " ;;\n";
    }
    for (std::size_t i = 0; i < command.positionals.size(); ++i) {
      operands += "    " + Quoted(at + ":" + std::to_string(i)) + ") " +
                  BashValue(command.positionals[i]) + " ;;\n";
    }
  });
  const std::string function = "_" + Identifier(program.name);
  return "# bash completion of " + program.name + kBashCommon + "\n" + function + "() {" +
         kBashBegin + walk +
         "      *' -'*|*' ') ;;\n      *) ((++position)) ;;\n    esac\n  done\n" +
         "  case \"$at $prev\" in\n" + values + "  esac\n" +
         "  if [[ $cur == -* ]]; then\n    case \"$at\" in\n" + options + "    esac\n    return\n" +
         "  fi\n  case \"$at:$position\" in\n" + operands + "  esac\n}\n" + "complete -F " +
         function + " " + program.name + "\n";
}

// ---- zsh

/// In a specification of _arguments, in single quotes: brackets and colons have a meaning there.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  std::string quoted = Quoted(out);
  return quoted.substr(1, quoted.size() - 2);
}

std::string ZshAction(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kFolder:
      return "_files -/";
    case ValueKind::kChoice:
      return "(" + Words(argument.choices) + ")";
    case ValueKind::kNone:
    case ValueKind::kText:
      break;
  }
  return " ";
}

std::string ZshOption(const Argument& option) {
  const bool valued = option.kind != ValueKind::kNone;
  std::string names;
  for (const std::string& name : option.names) {
    const char* end = !valued ? "" : (name.starts_with("--") ? "=" : "+");
    names += (names.empty() ? "" : ",") + name + end;
  }
  std::string tail = "[" + ZshText(option.text) + "]";
  if (valued) {
    tail += ":" + ZshText(option.value) + ":" + ZshText(ZshAction(option));
  }
  const std::string before = option.repeatable ? "'*'" : "'(" + Words(option.names) + ")'";
  if (option.names.size() == 1) {
    return (option.repeatable ? "'*" : "'") + names + tail + "'";
  }
  return before + "{" + names + "}'" + tail + "'";
}

void ZshFunctions(const Command& command, const std::string& function, std::string& out) {
  std::string specs;
  for (const Argument& option : AllOptions(command)) {
    specs += " \\\n    " + ZshOption(option);
  }
  for (std::size_t i = 0; i < command.positionals.size(); ++i) {
    const Argument& positional = command.positionals[i];
    specs += " \\\n    '" + std::to_string(i + 1) + ":" + ZshText(positional.names.front()) + ":" +
             ZshText(ZshAction(positional)) + "'";
  }
  if (command.commands.empty()) {
    out += function + "() {\n  _arguments -s" + specs + "\n}\n";
    return;
  }
  std::string described;
  std::string cases;
  for (const Command& sub : command.commands) {
    described += " \\\n    " + Quoted(sub.name + ":" + sub.summary);
    cases += "      " + sub.name + ") " + function + "__" + Identifier(sub.name) + " ;;\n";
  }
  out += function + "() {\n  local curcontext=\"$curcontext\" state line\n" +
         "  typeset -A opt_args\n  local -a commands=(" + described + "\n  )\n" +
         "  _arguments -s -C" + specs + " \\\n    '1: :->command' \\\n    '*:: :->rest'\n" +
         "  case $state in\n    command) _describe command commands ;;\n" +
         "    rest) case $line[1] in\n" + cases + "    esac ;;\n  esac\n}\n";
  for (const Command& sub : command.commands) {
    ZshFunctions(sub, function + "__" + Identifier(sub.name), out);
  }
}

std::string Zsh(const Command& program) {
  const std::string function = "_" + Identifier(program.name);
  std::string out = "#compdef " + program.name + "\n";
  ZshFunctions(program, function, out);
  // Read by compinit from a folder of its own, or by eval.
  return out + "if [[ $zsh_eval_context[-1] == loadautofunc && $funcstack[1] == " + function +
         " ]]; then\n  " + function + " \"$@\"\nelse\n  compdef " + function + " " + program.name +
         "\nfi\n";
}

// ---- fish

std::string FishTail(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::kChoice:
      return " -x -a " + Quoted(Words(argument.choices), true);
    case ValueKind::kText:
      return " -x";
    case ValueKind::kNone:
      break;
  }
  return "";
}

struct FishParts {
  std::string walk;   ///< paths of commands
  std::string skip;   ///< options whose value is skipped, with their command's path
  std::string lines;  ///< what is offered where
};

void AddFish(const Command& command,
             const Command& program,
             const std::string& begin,
             const std::string& function,
             FishParts& parts) {
  const std::string at = Below(command, program);
  const std::string here = begin + " -n '" + function + " \"" + at + "\"'";
  for (const Command& sub : command.commands) {
    parts.walk.append(" ").append(Quoted(Below(sub, program), true));
    parts.lines += here + " -a " + sub.name + " -d " + Quoted(sub.summary, true) + "\n";
  }
  for (const Argument& option : AllOptions(command)) {
    parts.lines += here;
    for (const std::string& name : option.names) {
      parts.lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    parts.lines += FishTail(option) + " -d " + Quoted(option.text, true) + "\n";
    if (option.kind != ValueKind::kNone) {
      std::string names = Patterns(at, option);
      std::replace(names.begin(), names.end(), '|', ' ');
      parts.skip.append(" ").append(names);
    }
  }
  for (const Argument& positional : command.positionals) {
    if (positional.kind == ValueKind::kFile) {
      parts.lines += here + " -F\n";
    } else if (positional.kind == ValueKind::kChoice) {
      parts.lines += here + " -a " + Quoted(Words(positional.choices), true) + "\n";
    }
  }
}

std::string Fish(const Command& program) {
  const std::string function = "__" + Identifier(program.name) + "_at";
  const std::string begin = "complete -c " + program.name;
  FishParts parts;
  parts.lines = begin + " -f\n";
  ForEach(program,
          [&](const Command& command) { AddFish(command, program, begin, function, parts); });
  std::string out = "# fish completion of " + program.name + "\nfunction " + function +
                    "\n    set -l at ''\n    set -l skip 0\n" +
                    "    for word in (commandline -opc)[2..-1]\n" +
                    "        if test $skip = 1\n            set skip 0\n            continue\n" +
                    "        end\n        switch \"$at $word\"\n";
  if (!parts.walk.empty()) {
    out += "            case" + parts.walk + "\n                set at \"$at $word\"\n";
  }
  if (!parts.skip.empty()) {
    out += "            case" + parts.skip + "\n                set skip 1\n";
  }
  return out + "        end\n    end\n    test \"$at\" = \"$argv[1]\"\nend\n" + parts.lines;
}

}  // namespace

std::string CompletionScript(const Command& program, std::string_view shell) {
  if (shell == "bash") {
    return Bash(program);
  }
  if (shell == "zsh") {
    return Zsh(program);
  }
  TRIB_CHECK(shell == "fish");
  return Fish(program);
}

}  // namespace trib::host::cli

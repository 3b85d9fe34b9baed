using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Writes a command line as it is typed in a shell.</summary>
internal static class CommandText
{
    private const string Plain = "-_./:=,+@";

    /// <summary>
    /// Returns the command that continues a run from its checkpoint: the same one, without --resume, which may forbid it.
    /// </summary>
    public static string Continuing(ParseResult parsed)
    {
        List<string> words = [.. parsed.Tokens.Select(token => token.Value)];
        int at = words.IndexOf("--resume");
        if (at >= 0) words.RemoveRange(at, at + 1 < words.Count && !words[at + 1].StartsWith('-') ? 2 : 1);
        return string.Join(' ', words.Prepend(CommandLine.Name).Select(Quoted));
    }

    /// <summary>Returns a word in quotes, if a shell would change it otherwise.</summary>
    private static string Quoted(string word)
    {
        bool onWindows = OperatingSystem.IsWindows();
        if (word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || Plain.Contains(c) || (onWindows && c == '\\'))) return word;
        return onWindows ? $"\"{word.Replace("\"", "\\\"")}\"" : $"'{word.Replace("'", @"'\''")}'";
    }
}

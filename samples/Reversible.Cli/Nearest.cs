namespace Microsoft.ML.Reversible.Cli;

/// <summary>Finds the name that a mistyped one was meant to be.</summary>
internal static class Nearest
{
    private const int MostEdits = 3;

    /// <summary>
    /// Returns the name with the fewest edits, or else one with the typed beginning, initials or words; null if none is near.
    /// </summary>
    public static string? Of(string typed, IEnumerable<string> names)
    {
        string text = typed.ToLowerInvariant();
        string[] all = [.. names];
        // Most short names are a few letters apart, so few edits are accepted in a short one.
        int most = Math.Min(MostEdits, (text.Trim('-').Length + 2) / 3);
        return all.Where(name => Edits(text, name) <= most).MinBy(name => Edits(text, name))
            ?? all.FirstOrDefault(name => Begins(name, text) || Begins(text, name))
            ?? all.FirstOrDefault(name => string.Concat(Words(name).Select(word => word[0])) == text.Trim('-'))
            ?? all.Where(name => SharedWords(text, name) > 0)
                .OrderByDescending(name => SharedWords(text, name)).ThenBy(name => Words(name).Count()).FirstOrDefault();
    }

    private static bool Begins(string whole, string beginning) => whole.StartsWith(beginning, StringComparison.Ordinal);

    /// <summary>Returns how many words of a name in kebab case the other has too, in the singular or the plural.</summary>
    private static int SharedWords(string typed, string name) => Words(typed).Intersect(Words(name)).Count();

    private static IEnumerable<string> Words(string name) =>
        name.Split(['-', '_'], StringSplitOptions.RemoveEmptyEntries).Select(word => word.TrimEnd('s')).Where(word => word.Length > 2);

    /// <summary>Returns the edit distance: letters to insert, delete or replace, and neighbours to swap.</summary>
    private static int Edits(string from, string to)
    {
        int[,] edits = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            for (int j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    edits[i, j] = i + j;
                    continue;
                }
                int replaced = edits[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                edits[i, j] = Math.Min(replaced, Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
            }
        }
        return edits[from.Length, to.Length];
    }
}

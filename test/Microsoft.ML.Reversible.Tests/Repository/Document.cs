namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>A page of the documentation: its programs, commands and tables, for tests that compare them with the code.</summary>
internal sealed class Document(string path)
{
    private readonly string[] _lines = File.ReadAllLines(path);

    /// <summary>A page of the repository; inconclusive outside of it.</summary>
    public static Document Open(string name) => new(PathOf(name));

    /// <summary>The file of a page of the repository.</summary>
    public static string PathOf(string name) => Path.Combine(Tree.Root, name);

    /// <summary>The README and all of docs, by the names that <see cref="Open"/> takes.</summary>
    public static IEnumerable<string> Names =>
    [
        "README.md",
        .. Directory.EnumerateFiles(Path.Combine(Tree.Root, "docs"), "*.md").Select(file => $"docs/{Path.GetFileName(file)}").Order(),
    ];

    /// <summary>The parts of a source file of these tests that stand between the markers, without their indentation.</summary>
    public static string[] Tested(string sourceFile)
    {
        string file = Path.Combine(Tree.Root, "test", "Microsoft.ML.Reversible.Tests", "Repository", sourceFile);
        return [.. Between(File.ReadAllLines(file), "// <snippet>", "// </snippet>").Select(WithoutIndentation)];
    }

    /// <summary>The contents of the code blocks in a language.</summary>
    public string[] Blocks(string language) => [.. Between(_lines, "```" + language, "```").Select(lines => string.Join('\n', lines))];

    /// <summary>The rows of all tables whose header begins with some cells, as cells without backticks.</summary>
    public string[][] Rows(params string[] header)
    {
        List<string[]> rows = [];
        bool inside = false;
        foreach (string line in _lines)
        {
            string[] cells = [.. line.Split('|').Select(cell => cell.Trim().Replace("`", ""))];
            if (cells.Length < 3) inside = false;
            else if (cells.Skip(1).Take(header.Length).SequenceEqual(header)) inside = true;
            else if (inside && !cells[1].StartsWith("---", StringComparison.Ordinal)) rows.Add(cells[1..^1]);
        }
        return [.. rows];
    }

    private static SourceTree Tree
    {
        get
        {
            SourceTree? tree = SourceTree.Around(AppContext.BaseDirectory);
            if (tree is null) Assert.Inconclusive("The tests run outside of the source tree.");
            return tree;
        }
    }

    private static IEnumerable<string[]> Between(string[] lines, string first, string last)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != first) continue;
            string[] part = [.. lines.Skip(i + 1).TakeWhile(line => line.Trim() != last)];
            yield return part;
            i += part.Length + 1;
        }
    }

    private static string WithoutIndentation(string[] lines)
    {
        int indentation = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length == 0 ? "" : line[indentation..]));
    }
}

using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The repository's own text files, without what a build leaves behind.</summary>
internal sealed partial class SourceTree(string root)
{
    private const int LongestFile = 350;
    private const int LongestLine = 140;

    private static readonly string[] _leftOut = ["bin", "obj", ".git", ".vs", "artifacts", "TestResults"];

    private static readonly string[] _code = [".cs", ".cpp", ".h", ".sh"];

    private static readonly string[] _text = [.. _code, ".csproj", ".props", ".targets", ".config", ".json", ".sln", ".ps1", ".md"];

    /// <summary>The folder of the solution.</summary>
    public string Root => root;

    /// <summary>Finds the repository that a folder lies in; null outside of one.</summary>
    public static SourceTree? Around(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Reversible.MLNet.sln")))
            {
                return new SourceTree(at.FullName);
            }
        }

        return null;
    }

    public IEnumerable<string> LongFiles() =>
        from file in Files(_code)
        let lines = File.ReadLines(file).Count()
        where lines > LongestFile
        select $"{Shown(file)}: {lines} lines";

    public IEnumerable<string> LongLines() =>
        from line in Lines([".cs"])
        where line.Text.Length > LongestLine
        select $"{line.Place}: {line.Text.Length} characters";

    public IEnumerable<string> LinesThatEndInSpace() =>
        from line in Lines([".cs"])
        where line.Text.Length > 0 && char.IsWhiteSpace(line.Text[^1])
        select line.Place;

    public IEnumerable<string> LinesWithMachinePaths() =>
        from line in Lines(_text)
        where MachinePath().IsMatch(line.Text)
        select $"{line.Place}: {line.Text.Trim()}";

    public IEnumerable<string> Files(IReadOnlyCollection<string> extensions) => Below(new DirectoryInfo(root))
        .Where(f => extensions.Contains(f.Extension))
        .Select(f => f.FullName)
        .Order(StringComparer.Ordinal);

    // Folders that people and build machines keep a checkout or their data in; a path below the system's own folders is no one's in
    // particular.
    [GeneratedRegex(@"(?<![\w.~})\]-])/(?:home|root|work|workspace|Users|mnt|media)/\w|\b[A-Za-z]:\\+(?:Users|work|src|dev)\\")]
    private static partial Regex MachinePath();

    private IEnumerable<(string Place, string Text)> Lines(IReadOnlyCollection<string> extensions) =>
        from file in Files(extensions)
        from line in File.ReadLines(file).Select((text, index) => (text, number: index + 1))
        select ($"{Shown(file)}:{line.number}", line.text);

    private static IEnumerable<FileInfo> Below(DirectoryInfo folder) => folder.EnumerateFiles()
        .Concat(folder.EnumerateDirectories().Where(d => !_leftOut.Contains(d.Name) && d.LinkTarget is null).SelectMany(Below));

    private string Shown(string file) => Path.GetRelativePath(root, file);
}

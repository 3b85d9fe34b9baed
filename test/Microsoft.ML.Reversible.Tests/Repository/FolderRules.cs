using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Which folder of the library may refer to which, and the findings where a source file does not keep to it.</summary>
internal static class FolderRules
{
    private const string Root = "Microsoft.ML.Reversible";

    /// <summary>The folders below those of the tasks.</summary>
    private static readonly string[] _belowLanguage =
        ["Training", "Tokenizers", "Data", "Models", "Stack", "Schemes", "Kernels", "Storage", "MLNet"];

    /// <summary>The folders that a folder may refer to. A folder that is not here fails the test.</summary>
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Storage"] = [],
        ["MLNet"] = [],
        ["Kernels"] = [],
        ["Schemes"] = ["Kernels"],
        ["Stack"] = ["Schemes", "Kernels"],
        ["Models"] = ["Stack", "Schemes", "Kernels", "Storage"],
        ["Training"] = ["Models", "Stack", "Schemes", "Kernels", "Storage"],
        ["Tokenizers"] = ["Storage"],
        ["Data"] = ["Tokenizers", "Storage", "MLNet"],
        ["Language"] = _belowLanguage,
        ["FineTuning"] = ["Language", .. _belowLanguage],
        ["Retrofit"] = ["Language", .. _belowLanguage],
        ["Evaluation"] = ["Language", .. _belowLanguage],
        ["Stability"] = ["Language", .. _belowLanguage],
        ["Catalog"] = ["FineTuning", "Retrofit", "Evaluation", "Stability", "Language", .. _belowLanguage],
    };

    /// <summary>The folders that know ML.NET's data.</summary>
    private static readonly string[] _knowDataViews =
        ["MLNet", "Catalog", "Data", "Language", "FineTuning", "Retrofit", "Evaluation", "Stability"];

    /// <summary>The folders that have a rule.</summary>
    public static IReadOnlyCollection<string> Folders => _allowed.Keys;

    /// <summary>Finds references that go against the direction of the folders.</summary>
    public static IEnumerable<string> ForbiddenReferences(SourceGraph graph) =>
        from reference in graph.References
        let source = Folder(reference.From)
        let target = Folder(reference.To)
        where source != target && !(_allowed.TryGetValue(source, out string[]? allowed) && allowed.Contains(target))
        select $"{reference.From}:{reference.Line}: {source} must not refer to {target}: {reference.Name}";

    /// <summary>Finds pairs of folders that refer to each other both ways.</summary>
    public static IEnumerable<string> MutualReferences(SourceGraph graph)
    {
        HashSet<(string, string)> pairs =
            [.. graph.References.Select(of => (Folder(of.From), Folder(of.To))).Where(of => of.Item1 != of.Item2)];
        return pairs.Where(of => string.CompareOrdinal(of.Item1, of.Item2) < 0 && pairs.Contains((of.Item2, of.Item1)))
            .Select(of => $"{of.Item1} and {of.Item2} refer to each other");
    }

    /// <summary>Finds what a file's own text shows: its namespace, its using directives and its mention of ML.NET's data.</summary>
    /// <param name="path">The file's path below the library's folder, with slashes.</param>
    /// <param name="source">Its text.</param>
    public static IEnumerable<string> InText(string path, string source)
    {
        string folder = Folder(path);
        SyntaxNode root = CSharpSyntaxTree.ParseText(source).GetRoot();
        string own = $"{Root}.{folder}";
        IEnumerable<BaseTypeDeclarationSyntax> types = root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>();
        foreach (BaseTypeDeclarationSyntax type in types.Where(of => of.Parent is BaseNamespaceDeclarationSyntax))
        {
            string declared = ((BaseNamespaceDeclarationSyntax)type.Parent!).Name.ToString();
            bool isPublic = type.Modifiers.Any(SyntaxKind.PublicKeyword);
            bool fits = declared == own || declared == Root || (folder == "Catalog" && declared == "Microsoft.ML");
            if (!fits || (isPublic && declared == own))
                yield return $"{path}: {type.Identifier.Text} is in the namespace {declared}";
        }
        foreach (UsingDirectiveSyntax directive in root.DescendantNodes().OfType<UsingDirectiveSyntax>())
        {
            string name = directive.NamespaceOrType.ToString();
            if (!name.StartsWith(Root + ".", StringComparison.Ordinal)) continue;
            string used = name[(Root.Length + 1)..].Split('.')[0];
            if (_allowed.ContainsKey(used) && used != folder && !_allowed[folder].Contains(used))
                yield return $"{path}: {folder} must not use the namespace of {used}";
        }
        IEnumerable<IdentifierNameSyntax> names = root.DescendantNodes().OfType<IdentifierNameSyntax>();
        if (!_knowDataViews.Contains(folder) && names.Any(name => name.Identifier.Text == "IDataView"))
            yield return $"{path}: {folder} must not know IDataView";
    }

    private static string Folder(string path) => path.Split('/')[0];
}

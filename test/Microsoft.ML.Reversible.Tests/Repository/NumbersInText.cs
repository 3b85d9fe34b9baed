using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Finds interpolated strings that write numbers with the decimal separator and the groups of the user's culture.</summary>
internal static class NumbersInText
{
    private const string Implicit =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;"
        + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    /// <summary>Returns each such interpolation, as PATH:LINE: STRING.</summary>
    /// <param name="files">Source files of one assembly, each with the name to show.</param>
    public static IEnumerable<string> OfCulture(IEnumerable<(string Name, string Source)> files)
    {
        SyntaxTree[] trees = [.. files.Select(file => CSharpSyntaxTree.ParseText(file.Source, path: file.Name))];
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Sources", [.. trees, CSharpSyntaxTree.ParseText(Implicit)], assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        return
            from tree in trees
            let model = compilation.GetSemanticModel(tree)
            from text in tree.GetRoot().DescendantNodes().OfType<InterpolatedStringExpressionSyntax>()
            where model.GetTypeInfo(Whole(text)).ConvertedType is { SpecialType: SpecialType.System_String or SpecialType.System_Object }
            where text.Contents.OfType<InterpolationSyntax>().Any(hole => Varies(hole, model.GetTypeInfo(hole.Expression).Type))
            select $"{tree.FilePath}:{text.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {text}";
    }

    /// <summary>A sum of interpolated strings is formatted as one of them, by the culture that the sum is given to.</summary>
    private static ExpressionSyntax Whole(ExpressionSyntax text)
    {
        while (text.Parent is ParenthesizedExpressionSyntax or BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression })
            text = (ExpressionSyntax)text.Parent;
        return text;
    }

    private static bool Varies(InterpolationSyntax hole, ITypeSymbol? type)
    {
        if (type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable)
            type = nullable.TypeArguments[0];
        return type?.SpecialType switch
        {
            SpecialType.System_Double or SpecialType.System_Single or SpecialType.System_Decimal or SpecialType.System_DateTime => true,
            SpecialType.System_Int32 or SpecialType.System_Int64 or SpecialType.System_UInt32 or SpecialType.System_UInt64 =>
                hole.FormatClause?.FormatStringToken.Text[0] is not (null or 'D' or 'X' or 'x'),
            _ => type?.Name is "TimeSpan" && hole.FormatClause?.FormatStringToken.Text[0] is 'g' or 'G',
        };
    }
}

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Finds calls in a source file that leave to the process's defaults which tensor they make.</summary>
internal static class TensorFactories
{
    // These take their number type from the values that they are given.
    private static readonly HashSet<string> _ofValues = ["tensor", "as_tensor", "from_array", "frombuffer"];

    private static readonly HashSet<string> _ofShapes =
    [
        "arange", "complex", "empty", "empty_strided", "eye", "full", "linspace", "logspace", "normal", "ones", "rand", "randint", "randn",
        "randperm", "range", "zeros", "tril_indices", "triu_indices",
    ];

    /// <summary>Returns each such call, as LINE: CALL.</summary>
    public static IEnumerable<string> LeftToDefaults(string source)
    {
        SyntaxTree tree = CSharpSyntaxTree.ParseText(source);
        return tree.GetRoot().DescendantNodes().OfType<InvocationExpressionSyntax>()
            .Where(call => Name(call) is { } name && Missing(name, call))
            .Select(call => $"{call.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {call}");
    }

    private static bool Missing(string name, InvocationExpressionSyntax call)
    {
        if (!_ofValues.Contains(name) && !_ofShapes.Contains(name)) return false;
        string?[] named = [.. call.ArgumentList.Arguments.Select(argument => argument.NameColon?.Name.Identifier.Text)];
        return !named.Contains("device") || (_ofShapes.Contains(name) && !named.Contains("dtype"));
    }

    /// <summary>The name of a method that is called by itself, with the class named by a using directive, or on torch.</summary>
    private static string? Name(InvocationExpressionSyntax call) => call.Expression switch
    {
        IdentifierNameSyntax name => name.Identifier.Text,
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "torch" } } of => of.Name.Identifier.Text,
        _ => null,
    };
}

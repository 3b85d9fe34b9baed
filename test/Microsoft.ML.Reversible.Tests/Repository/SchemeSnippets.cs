namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The program of docs/schemes.md. What stands between the markers is compared with the page and run.</summary>
internal static class SchemeSnippets
{
    // <snippet>
    public sealed record Damped : Scheme
    {
        public override string Name => "damped";

        public override Coefficients At(int layer) => new(A: -0.5, B: 1.5, C: 0.75);
    }
    // </snippet>
}

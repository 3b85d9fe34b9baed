namespace Microsoft.ML.Reversible.Views;

/// <summary>A view that says where it comes from.</summary>
internal interface ITransformedView
{
    /// <summary>The view behind it.</summary>
    IDataView Input { get; }

    /// <summary>The transformer that made it; null where that is not known.</summary>
    ITransformer? Maker { get; }
}

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>A view that knows its input and the transformer that made it.</summary>
internal interface ITransformedView
{
    /// <summary>The transformer's input.</summary>
    IDataView Input { get; }

    /// <summary>The transformer; null if unknown.</summary>
    ITransformer? Maker { get; }
}

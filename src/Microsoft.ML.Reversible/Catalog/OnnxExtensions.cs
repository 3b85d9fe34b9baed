using System.ComponentModel;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible;

namespace Microsoft.ML;

/// <summary>
/// Makes the conversion of language models to ONNX a compiler error. The converter of Microsoft.ML.OnnxConverter supports only
/// ML.NET's own transformers. It silently skips others and turns their output columns into inputs of the ONNX model.
/// </summary>
/// <remarks>
/// The compiler chooses these methods by the static type of the model. A model in a variable of type
/// <see cref="ITransformer"/>, or one that is not the last transformer of its chain, still reaches the converter.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class OnnxExtensions
{
    private const string Reason =
        "Models of Microsoft.ML.Reversible cannot be converted to ONNX: ML.NET's converter would turn the output columns into inputs. "
        + "Use SavePretrained, and convert the folder with a tool for Hugging Face's layout.";

    /// <summary>Causes a compiler error: the model cannot be converted to ONNX.</summary>
    /// <typeparam name="TInput">The type of the input: a data view or a schema.</typeparam>
    /// <param name="catalog">The catalog, <c>mlContext.Model</c>.</param>
    /// <param name="transform">The model.</param>
    /// <param name="input">The data, or its schema.</param>
    /// <param name="stream">The stream for the ONNX model.</param>
    /// <param name="outputColumns">The columns to keep.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete(Reason, error: true)]
    public static void ConvertToOnnx<TInput>(
        this ModelOperationsCatalog catalog, ReversibleLmTransformer transform, TInput input, Stream stream,
        params string[] outputColumns) => throw new NotSupportedException(Reason);

    /// <inheritdoc cref="ConvertToOnnx{TInput}(ModelOperationsCatalog, ReversibleLmTransformer, TInput, Stream, string[])"/>
    /// <param name="catalog">The catalog, <c>mlContext.Model</c>.</param>
    /// <param name="transform">The model.</param>
    /// <param name="input">The data, or its schema.</param>
    /// <param name="opSetVersion">The version of ONNX's operators.</param>
    /// <param name="stream">The stream for the ONNX model.</param>
    [Obsolete(Reason, error: true)]
    public static void ConvertToOnnx<TInput>(
        this ModelOperationsCatalog catalog, ReversibleLmTransformer transform, TInput input, int opSetVersion, Stream stream) =>
        throw new NotSupportedException(Reason);

    /// <inheritdoc cref="ConvertToOnnx{TInput}(ModelOperationsCatalog, ReversibleLmTransformer, TInput, Stream, string[])"/>
    [Obsolete(Reason, error: true)]
    public static void ConvertToOnnx<TInput>(
        this ModelOperationsCatalog catalog, TransformerChain<ReversibleLmTransformer> transform, TInput input, Stream stream,
        params string[] outputColumns) => throw new NotSupportedException(Reason);

    /// <inheritdoc cref="ConvertToOnnx{TInput}(ModelOperationsCatalog, ReversibleLmTransformer, TInput, int, Stream)"/>
    [Obsolete(Reason, error: true)]
    public static void ConvertToOnnx<TInput>(
        this ModelOperationsCatalog catalog, TransformerChain<ReversibleLmTransformer> transform, TInput input, int opSetVersion,
        Stream stream) => throw new NotSupportedException(Reason);
}

using TorchSharp.Modules;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A parameter under its name in Hugging Face's GPT-2, without the prefix <c>transformer.</c>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The parameter; a matrix is of shape [outputs, inputs].</param>
/// <param name="Transposed">Whether files keep the matrix as [inputs, outputs].</param>
internal readonly record struct GptWeight(string Name, Parameter Value, bool Transposed = false);

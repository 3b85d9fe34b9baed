using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A parameter, or some rows of one, under its name in Hugging Face's files.</summary>
/// <param name="Name">The name, with the family's prefix such as <c>transformer.</c>.</param>
/// <param name="Parameter">The parameter; a matrix is of shape [outputs, inputs].</param>
/// <param name="Transposed">Whether files keep the matrix as [inputs, outputs].</param>
/// <param name="FirstRow">Where the rows begin: files keep apart what is joined here for one matrix product.</param>
/// <param name="Rows">The number of rows; null takes all.</param>
internal readonly record struct NamedWeight(
    string Name, Parameter Parameter, bool Transposed = false, long FirstRow = 0, long? Rows = null)
{
    /// <summary>The shape in a file.</summary>
    public long[] FileShape
    {
        get
        {
            long[] shape = Parameter.shape;
            if (Rows is { } rows) shape[0] = rows;
            if (Transposed) Array.Reverse(shape);
            return shape;
        }
    }

    /// <summary>A view of the values in the shape in which files keep them, in the current dispose scope.</summary>
    public Tensor View()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor rows = Parameter.narrow(0, FirstRow, Rows ?? Parameter.shape[0]);
        return (Transposed ? rows.t() : rows).MoveToOuterDisposeScope();
    }
}

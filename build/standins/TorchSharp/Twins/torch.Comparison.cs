namespace TorchSharp;

// Comparisons, truth values and masks.
public static partial class torch
{
    public static Tensor all(Tensor input) => input.all();
    public static Tensor all(Tensor input, long dim, bool keepdim = false) => input.all(dim, keepdim);
    public static bool allclose(Tensor tensor, Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
        tensor.allclose(target, rtol, atol, equal_nan);
    public static Tensor any(Tensor input) => input.any();
    public static Tensor any(Tensor input, long dim, bool keepdim = false) => input.any(dim, keepdim);
    public static Tensor eq(Tensor left, Tensor right) => left.eq(right);
    public static Tensor equal(Tensor tensor, Tensor target) => tensor.equal(target);
    public static Tensor ge(Tensor left, Tensor right) => left.ge(right);
    public static Tensor gt(Tensor left, Tensor right) => left.gt(right);
    public static Tensor isclose(Tensor tensor, Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
        tensor.isclose(other, rtol, atol, nanEqual);
    public static Tensor isfinite(Tensor tensor) => tensor.isfinite();
    public static Tensor isinf(Tensor tensor) => tensor.isinf();
    public static Tensor isnan(Tensor input) => input.isnan();
    public static Tensor le(Tensor left, Tensor right) => left.le(right);
    public static Tensor logical_and(Tensor left, Tensor right) => left.logical_and(right);
    public static Tensor logical_not(Tensor input) => input.logical_not();
    public static Tensor logical_or(Tensor left, Tensor right) => left.logical_or(right);
    public static Tensor logical_xor(Tensor left, Tensor right) => left.logical_xor(right);
    public static Tensor lt(Tensor left, Tensor right) => left.lt(right);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor ne(Tensor left, Tensor right) => left.ne(right);
    public static Tensor nonzero(Tensor input) => input.nonzero();
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => x.where(condition, y);
}

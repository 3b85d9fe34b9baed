namespace TorchSharp;

public static partial class torch
{
    // Comparisons, truth values and masks.
    public partial class Tensor
    {
        public Tensor eq(Tensor target) => Made(Native.ts_eq(Handle, target.Handle), this, target);
        public Tensor eq(Scalar target) => Made(Native.ts_eq_scalar(Handle, target.Value), this);
        public Tensor ne(Tensor target) => Made(Native.ts_ne(Handle, target.Handle), this, target);
        public Tensor ne(Scalar target) => Made(Native.ts_ne_scalar(Handle, target.Value), this);
        public Tensor lt(Tensor target) => Made(Native.ts_lt(Handle, target.Handle), this, target);
        public Tensor lt(Scalar target) => Made(Native.ts_lt_scalar(Handle, target.Value), this);
        public Tensor le(Tensor target) => Made(Native.ts_le(Handle, target.Handle), this, target);
        public Tensor le(Scalar target) => Made(Native.ts_le_scalar(Handle, target.Value), this);
        public Tensor gt(Tensor target) => Made(Native.ts_gt(Handle, target.Handle), this, target);
        public Tensor gt(Scalar target) => Made(Native.ts_gt_scalar(Handle, target.Value), this);
        public Tensor ge(Tensor target) => Made(Native.ts_ge(Handle, target.Handle), this, target);
        public Tensor ge(Scalar target) => Made(Native.ts_ge_scalar(Handle, target.Value), this);
        public Tensor equal(Tensor target) => eq(target);
        public Tensor logical_and(Tensor other) => Made(Native.ts_logical_and(Handle, other.Handle), this, other);
        public Tensor logical_or(Tensor other) => Made(Native.ts_logical_or(Handle, other.Handle), this, other);
        public Tensor logical_xor(Tensor other) => Made(Native.ts_logical_xor(Handle, other.Handle), this, other);
        public Tensor logical_not() => Made(Native.ts_logical_not(Handle), this);
        public Tensor isnan() => Made(Native.ts_isnan(Handle), this);
        public Tensor isinf() => Made(Native.ts_isinf(Handle), this);
        public Tensor isfinite() => Made(Native.ts_isfinite(Handle), this);
        public Tensor nonzero() => Made(Native.ts_nonzero(Handle), this);
        public Tensor all() => Made(Native.ts_all(Handle), this);
        public Tensor any() => Made(Native.ts_any(Handle), this);
        public Tensor all(long dim, bool keepdim = false) => Made(Native.ts_all_dim(Handle, dim, keepdim), this);
        public Tensor any(long dim, bool keepdim = false) => Made(Native.ts_any_dim(Handle, dim, keepdim), this);
        public unsafe bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false)
        {
            bool result;
            Done(Native.ts_allclose(Handle, target.Handle, rtol, atol, equal_nan, &result), target);
            return result;
        }
        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
            Made(Native.ts_isclose(Handle, other.Handle, rtol, atol, nanEqual), this, other);
        public Tensor where(Tensor condition, Tensor y) => Made(Native.ts_where(condition.Handle, Handle, y.Handle), this, condition, y);
        public Tensor masked_fill(Tensor mask, Scalar value) => Made(Native.ts_masked_fill(Handle, mask.Handle, value.Value), this, mask);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Done(Native.ts_masked_fill_(Handle, mask.Handle, value.Value), mask);
        public Tensor masked_select(Tensor mask) => Made(Native.ts_masked_select(Handle, mask.Handle), this, mask);
    }
}

namespace TorchSharp;

public static partial class torch
{
    // Operators; comparisons compare element by element.
    public partial class Tensor
    {
        public static Tensor operator +(double left, Tensor right) =>
            Made(Native.ts_add_scalar(right.Handle, Scalar.Of(left), Scalar.Of(1L)), right);
        public static Tensor operator +(int left, Tensor right) =>
            Made(Native.ts_add_scalar(right.Handle, Scalar.Of(left), Scalar.Of(1L)), right);
        public static Tensor operator +(long left, Tensor right) =>
            Made(Native.ts_add_scalar(right.Handle, Scalar.Of(left), Scalar.Of(1L)), right);
        public static Tensor operator +(float left, Tensor right) =>
            Made(Native.ts_add_scalar(right.Handle, Scalar.Of(left), Scalar.Of(1L)), right);
        public static Tensor operator +(Scalar left, Tensor right) =>
            Made(Native.ts_add_scalar(right.Handle, left.Value, Scalar.Of(1L)), right);
        public static Tensor operator +(Tensor left, double right) =>
            Made(Native.ts_add_scalar(left.Handle, Scalar.Of(right), Scalar.Of(1L)), left);
        public static Tensor operator +(Tensor left, int right) =>
            Made(Native.ts_add_scalar(left.Handle, Scalar.Of(right), Scalar.Of(1L)), left);
        public static Tensor operator +(Tensor left, long right) =>
            Made(Native.ts_add_scalar(left.Handle, Scalar.Of(right), Scalar.Of(1L)), left);
        public static Tensor operator +(Tensor left, float right) =>
            Made(Native.ts_add_scalar(left.Handle, Scalar.Of(right), Scalar.Of(1L)), left);
        public static Tensor operator +(Tensor left, Scalar right) =>
            Made(Native.ts_add_scalar(left.Handle, right.Value, Scalar.Of(1L)), left);
        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator -(double left, Tensor right) => Made(Native.ts_rsub_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator -(int left, Tensor right) => Made(Native.ts_rsub_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator -(long left, Tensor right) => Made(Native.ts_rsub_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator -(float left, Tensor right) => Made(Native.ts_rsub_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator -(Scalar left, Tensor right) => Made(Native.ts_rsub_scalar(right.Handle, left.Value), right);
        public static Tensor operator -(Tensor left, double right) => Made(Native.ts_sub_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator -(Tensor left, int right) => Made(Native.ts_sub_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator -(Tensor left, long right) => Made(Native.ts_sub_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator -(Tensor left, float right) => Made(Native.ts_sub_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator -(Tensor left, Scalar right) => Made(Native.ts_sub_scalar(left.Handle, right.Value), left);
        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator *(double left, Tensor right) => Made(Native.ts_mul_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator *(int left, Tensor right) => Made(Native.ts_mul_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator *(long left, Tensor right) => Made(Native.ts_mul_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator *(float left, Tensor right) => Made(Native.ts_mul_scalar(right.Handle, Scalar.Of(left)), right);
        public static Tensor operator *(Scalar left, Tensor right) => Made(Native.ts_mul_scalar(right.Handle, left.Value), right);
        public static Tensor operator *(Tensor left, double right) => Made(Native.ts_mul_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator *(Tensor left, int right) => Made(Native.ts_mul_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator *(Tensor left, long right) => Made(Native.ts_mul_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator *(Tensor left, float right) => Made(Native.ts_mul_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator *(Tensor left, Scalar right) => Made(Native.ts_mul_scalar(left.Handle, right.Value), left);
        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator /(double left, Tensor right) => Divided(Scalar.Of(left), right);
        public static Tensor operator /(int left, Tensor right) => Divided(Scalar.Of(left), right);
        public static Tensor operator /(long left, Tensor right) => Divided(Scalar.Of(left), right);
        public static Tensor operator /(float left, Tensor right) => Divided(Scalar.Of(left), right);
        public static Tensor operator /(Scalar left, Tensor right) => Divided(left.Value, right);
        public static Tensor operator /(Tensor left, double right) => Made(Native.ts_div_scalar(left.Handle, Scalar.Of(right), 0), left);
        public static Tensor operator /(Tensor left, int right) => Made(Native.ts_div_scalar(left.Handle, Scalar.Of(right), 0), left);
        public static Tensor operator /(Tensor left, long right) => Made(Native.ts_div_scalar(left.Handle, Scalar.Of(right), 0), left);
        public static Tensor operator /(Tensor left, float right) => Made(Native.ts_div_scalar(left.Handle, Scalar.Of(right), 0), left);
        public static Tensor operator /(Tensor left, Scalar right) => Made(Native.ts_div_scalar(left.Handle, right.Value, 0), left);
        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator %(Tensor left, double right) => Made(Native.ts_remainder_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator %(Tensor left, int right) => Made(Native.ts_remainder_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator %(Tensor left, long right) => Made(Native.ts_remainder_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator %(Tensor left, float right) => Made(Native.ts_remainder_scalar(left.Handle, Scalar.Of(right)), left);
        public static Tensor operator %(Tensor left, Scalar right) => Made(Native.ts_remainder_scalar(left.Handle, right.Value), left);
        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);
        public static Tensor operator -(Tensor tensor) => tensor.neg();
        public static Tensor operator ~(Tensor left) => left.bitwise_not();
        private static Tensor Divided(Native.ScalarArg dividend, Tensor divisor)
        {
            using var reciprocal = divisor.reciprocal();
            return Made(Native.ts_mul_scalar(reciprocal.Handle, dividend), reciprocal);
        }
    }
}
